#include "engine/options.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The value of `--name=value` when argument is that option, else NULL. */
static const char *value_of(const char *argument, const char *name) {
    size_t len = strlen(name);
    return strncmp(argument, name, len) == 0 && argument[len] == '=' ? argument + len + 1 : NULL;
}

static ftf_status parse_number(const char *name, const char *text, int low, int high, int *out, ftf_error *err) {
    char *end;
    long number = strtol(text, &end, 10);
    if (*text == 0 || *end != 0 || number < low || number > high) {
        return ftf_fail(err, FTF_USAGE, "%s=%s: give a number from %d to %d", name, text, low, high);
    }
    *out = (int)number;
    return FTF_OK;
}

static ftf_status parse_schedule(const char *text, ftf_schedule_choice *out, ftf_error *err) {
    static const char *const names[] = {"auto", "free", "pct"};
    for (int i = 0; i < 3; i++) {
        if (strcmp(text, names[i]) == 0) {
            *out = (ftf_schedule_choice)i;
            return FTF_OK;
        }
    }
    return ftf_fail(err, FTF_USAGE, "--schedule=%s: give auto, free or pct", text);
}

static ftf_status add_path(ftf_options *options, const char *path, ftf_error *err) {
    for (int i = 0; i < FTF_PATHS_MAX; i++) {
        if (options->paths[i] == NULL) {
            options->paths[i] = path;
            return FTF_OK;
        }
    }
    return ftf_fail(err, FTF_USAGE, "more than %d --path options", FTF_PATHS_MAX);
}

static ftf_status parse_one(const char *argument, ftf_options *out, ftf_error *err) {
    const struct {
        const char *name;
        const char **text;
    } texts[] = {{"--catalog", &out->catalog}, {"--home", &out->home}, {"--blackbox", &out->blackbox},
                 {"--spool", &out->spool},     {"--name", &out->name}, {"--replay", &out->replay},
                 {"--trace", &out->trace},     {"--watch", &out->watch},
                 {"--exercise", &out->exercise}};
    const struct {
        const char *name;
        int low, high;
        int *number;
    } numbers[] = {{"--rounds", 1, FTF_ROUNDS_MAX, &out->rounds},
                   {"--repeat", 1, INT_MAX, &out->repeat},
                   {"--epoch", 0, INT_MAX, &out->epoch},
                   {"--cpu", 0, 4095, &out->cpu},
                   {"--deadline-ms", 1, 3600000, &out->deadline_ms},
                   {"--cold", 0, INT_MAX, &out->cold},
                   {"--cold-ms", 1, 3600000, &out->cold_ms},
                   {"--cold-seed", 0, INT_MAX, &out->cold_seed}};
    const char *value;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if ((value = value_of(argument, texts[i].name)) != NULL) {
            *texts[i].text = value;
            return FTF_OK;
        }
    }
    if ((value = value_of(argument, "--path")) != NULL) {
        return add_path(out, value, err);
    }
    if ((value = value_of(argument, "--schedule")) != NULL) {
        return parse_schedule(value, &out->schedule, err);
    }
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        if ((value = value_of(argument, numbers[i].name)) != NULL) {
            return parse_number(numbers[i].name, value, numbers[i].low, numbers[i].high, numbers[i].number, err);
        }
    }
    const struct {
        const char *name;
        bool *flag;
    } flags[] = {{"--gil", &out->gil},
                 {"--serve", &out->serve},
                 {"--no-feedback", &out->no_feedback},
                 {"--no-delays", &out->no_delays}};
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        if (strcmp(argument, flags[i].name) == 0) {
            *flags[i].flag = true;
            return FTF_OK;
        }
    }
    return ftf_fail(err, FTF_USAGE, "unknown option %s", argument);
}

ftf_status ftf_options_parse(int argc, char **argv, ftf_options *out, ftf_error *err) {
    static char default_name[24];
    snprintf(default_name, sizeof default_name, "w%d", (int)getpid());
    *out = (ftf_options){.name = default_name, .rounds = 6, .repeat = 1, .cpu = -1, .deadline_ms = 10000, .cold = -1, .cold_ms = 1000};
    for (int i = 1; i < argc; i++) {
        ftf_status status = strncmp(argv[i], "--", 2) == 0 ? parse_one(argv[i], out, err) : FTF_OK;
        if (status != FTF_OK) {
            return status;
        }
    }
    return FTF_OK;
}
