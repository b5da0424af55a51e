#ifndef FTF_FINDINGS_FOLDER_H
#define FTF_FINDINGS_FOLDER_H
/*
 * The files of one finding's folder (finding.h lists them). store.h decides when to write what; here is how they look.
 *
 * Each file is replaced as a whole, so a kill between two of them leaves files of different ages, which all belong to
 * this finding: its kind and signature never change, only how it is best replayed.
 *
 * `json` is the object of finding.json. Ownership: everything is borrowed. Threads: no state.
 */
#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "findings/finding.h"

ftf_status ftf_folder_write_text(const char *folder, const char *name, const char *text, size_t len, ftf_error *err);
ftf_status ftf_folder_write_json(const char *folder, const json_t *json, ftf_error *err);
ftf_status ftf_folder_read_json(const char *folder, json_t **out, ftf_error *err);

/* scenario.ft, record.json, report.txt and finding.json, in this order: what a better scenario replaces. */
ftf_status ftf_folder_write_evidence(const char *folder, const json_t *json, const ftf_finding *finding,
                                     const ftf_record *record, ftf_error *err);

/* Exchanges the report's line about replay: the rest of it needs the symbolizer and does not change. */
ftf_status ftf_folder_update_report(const char *folder, const json_t *json, ftf_error *err);

/* The finding is seen with these versions: those that are not the ones it was found with are listed in "also_seen_with". */
void ftf_folder_note_versions(json_t *json, json_t *versions);

/* A member of a JSON object: "" and 0 where it is missing, of another type, or negative. */
const char *ftf_json_text(const json_t *json, const char *key);
uint64_t ftf_json_number(const json_t *json, const char *key);

#endif
