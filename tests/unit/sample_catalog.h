#ifndef FTF_TESTS_SAMPLE_CATALOG_H
#define FTF_TESTS_SAMPLE_CATALOG_H
/* The hand-written catalog that the tests of the scenario layer draw from. FTF_TESTS_DIR (the tests folder) comes
   from CMake. */
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "scenario/catalog.h"

static inline void read_test_data(const char *path, ftf_text *out) {
    char name[512];
    snprintf(name, sizeof name, "%s/data/%s", FTF_TESTS_DIR, path);
    FILE *file = fopen(name, "rb");
    if (!file) {
        fprintf(stderr, "cannot read %s\n", name);
        exit(1);
    }
    char buffer[4096];
    for (size_t len; (len = fread(buffer, 1, sizeof buffer, file)) > 0;) {
        ftf_text_add(out, buffer, len);
    }
    fclose(file);
}

static inline ftf_catalog *load_sample_catalog(void) {
    ftf_text json = {0};
    ftf_error err = {0};
    ftf_catalog *catalog = NULL;
    read_test_data("catalogs/sample.json", &json);
    if (ftf_catalog_load(json.data, json.len, &catalog, &err) != FTF_OK) {
        fprintf(stderr, "%s\n", err.text);
        exit(1);
    }
    ftf_text_release(&json);
    return catalog;
}

#endif
