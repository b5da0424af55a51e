/*
 * The report as SARIF 2.1.0 (OASIS), the format that code scanning services and editors read: one run, a rule
 * for each kind of finding, a result for each finding.
 *
 * Reading order: rules, places, results, the run. Decisions:
 * - `level`: error for what can end or corrupt a process, warning for what is undefined behaviour, note below
 *   that and for all that is not the extension's.
 * - `partialFingerprints` has the signature, which survives rebuilds and lines that move, so a service knows
 *   the result again.
 * - `locations` has one place, the frame that stands for the main stack; the other stacks that the signature
 *   is made of, and who freed or allocated, are `relatedLocations`; all stacks are whole in `stacks`, without
 *   harness and runtime.
 * - Sources are relative to SRCROOT: for CPython's own modules the root of its sources
 *   (Objects/odictobject.c), else the folder that holds the extension's. An absolute path is one of the
 *   machine that built it and is left out.
 */
#include "findings/report.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "findings/folder.h"
#include "findings/report_parts.h"
#include "oracle/kinds.h"

#define SCHEMA "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
#define BASE_ID "SRCROOT"
#define FINGERPRINT "ftfuzzSignature/v1"

static void append(json_t *array, json_t *value) {
    int failed = json_array_append_new(array, value);
    FTF_ASSERT(failed == 0);
}

/* {"text": ...}: a message, and a multiformatMessageString. */
static json_t *message(const char *text) {
    json_t *json = json_object();
    ftf_report_set(json, "text", ftf_report_string(text));
    return json;
}

/* ---- rules ------------------------------------------------------------------------------------------------------- */

static const char *level_of(int severity) { return severity >= 50 ? "error" : severity >= 20 ? "warning" : "note"; }

static json_t *rule_to_json(const ftf_finding_kind_info *info) {
    ftf_text help = {0};
    char score[16];
    ftf_text_printf(
        &help,
        "%c%s. Found by running calls of several threads at once on a free-threaded interpreter; severity %d "
        "of 100.",
        toupper((unsigned char)info->meaning[0]), info->meaning + 1, info->severity);
    (void)snprintf(score, sizeof score, "%d.%d", info->severity / 10, info->severity % 10); /* as services expect it */
    json_t *json = json_pack("{s:s, s:o, s:o, s:o, s:{s:s}, s:{s:i, s:s, s:[s, s]}}", "id", info->name,
                             "shortDescription", message(info->meaning), "fullDescription", message(help.data), "help",
                             message(help.data), "defaultConfiguration", "level", level_of(info->severity),
                             "properties", "severity", info->severity, "security-severity", score, "tags",
                             "concurrency", "free-threading");
    FTF_ASSERT(json);
    ftf_text_release(&help);
    return json;
}

static json_t *rules_to_json(void) {
    json_t *rules = json_array();
    for (int i = 0; i < FTF_FINDING_KIND_COUNT; i++) {
        append(rules, rule_to_json(ftf_finding_kind_get((ftf_finding_kind_id)i)));
    }
    return rules;
}

/* -1: a kind of another version of ftfuzz, which has no rule here. */
static int rule_index(const char *kind) {
    for (int i = 0; i < FTF_FINDING_KIND_COUNT; i++) {
        if (strcmp(ftf_finding_kind_get((ftf_finding_kind_id)i)->name, kind) == 0) {
            return i;
        }
    }
    return -1;
}

/* ---- places ------------------------------------------------------------------------------------------------------ */

/* A path as a relative URI reference (RFC 3986). A colon in its first segment would be taken for a scheme:
   all are encoded. */
static void add_uri(const char *path, ftf_text *out) {
    static const char KEPT[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/+,@=";
    for (const char *c = path; *c; c++) {
        if (strchr(KEPT, *c)) {
            ftf_text_char(out, *c);
        } else {
            ftf_text_printf(out, "%%%02X", (unsigned)(unsigned char)*c);
        }
    }
}

/* NULL when the source is not known, or only by its place on another machine. */
static json_t *physical_location(const json_t *frame) {
    const char *file = ftf_json_text(frame, "file");
    uint64_t line = ftf_json_number(frame, "line");
    if (file[0] == '\0' || file[0] == '/' || file[0] == '<' || strncmp(file, "../", 3) == 0) {
        return NULL;
    }
    ftf_text uri = {0};
    add_uri(file, &uri);
    json_t *json = json_pack("{s:{s:s, s:s}}", "artifactLocation", "uri", uri.data, "uriBaseId", BASE_ID);
    FTF_ASSERT(json);
    ftf_text_release(&uri);
    if (line > 0) {
        ftf_report_set(json, "region", json_pack("{s:I}", "startLine", (json_int_t)line));
    }
    return json;
}

static json_t *logical_location(const char *name, const char *kind) {
    json_t *json = json_object();
    ftf_report_set(json, "fullyQualifiedName", ftf_report_string(name));
    ftf_report_set(json, "kind", json_string(kind));
    return json_pack("[o]", json);
}

/* A location object; `frame` may be NULL for trouble that has no stack, `text` for no message. */
static json_t *location(const ftf_report_finding *finding, const json_t *frame, const char *text) {
    json_t *json = json_object();
    json_t *physical = frame ? physical_location(frame) : NULL;
    const char *function = ftf_json_text(frame, "function");
    if (physical) {
        ftf_report_set(json, "physicalLocation", physical);
    }
    if (function[0]) {
        ftf_report_set(json, "logicalLocations", logical_location(function, "function"));
    } else if (!physical) {
        ftf_report_set(json, "logicalLocations", logical_location(finding->entry->target, "module"));
    }
    if (text) {
        ftf_report_set(json, "message", message(text));
    }
    return json;
}

static const char *base_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static json_t *stack_to_json(const ftf_report_finding *finding, const ftf_report_stack *stack, const char *heading) {
    json_t *frames = json_array();
    for (size_t i = 0; i < stack->frame_count; i++) {
        const json_t *frame = json_array_get(stack->frames, i);
        const char *sort = ftf_json_text(frame, "sort");
        if (frame != stack->top && (strcmp(sort, "harness") == 0 || strcmp(sort, "runtime") == 0)) {
            continue;
        }
        json_t *json = json_object();
        ftf_report_set(json, "location", location(finding, frame, NULL));
        ftf_report_set(json, "module", ftf_report_string(base_name(ftf_json_text(frame, "module"))));
        append(frames, json);
    }
    json_t *json = json_object();
    ftf_report_set(json, "message", message(heading));
    ftf_report_set(json, "frames", frames);
    return json;
}

/* ---- results ----------------------------------------------------------------------------------------------------- */

static void add_places(const ftf_report_finding *finding, json_t *result) {
    size_t main = ftf_report_stack_main(finding);
    json_t *locations = json_array(), *related = json_array(), *stacks = json_array();
    for (size_t i = 0; i < ftf_report_stack_count(finding); i++) {
        ftf_report_stack stack = ftf_report_stack_at(finding, i);
        ftf_text heading = {0};
        ftf_report_stack_heading(&stack, &heading);
        bool owner = strcmp(stack.role, "freed") == 0 || strcmp(stack.role, "allocated") == 0;
        if (i == main) {
            append(locations, location(finding, stack.top, heading.data));
        } else if (stack.top && (stack.counts || owner)) {
            json_t *place = location(finding, stack.top, heading.data);
            ftf_report_set(place, "id", json_integer((json_int_t)json_array_size(related)));
            append(related, place);
        }
        if (stack.frame_count > 0) {
            append(stacks, stack_to_json(finding, &stack, heading.data));
        }
        ftf_text_release(&heading);
    }
    if (json_array_size(locations) == 0) {
        append(locations, location(finding, NULL, NULL));
    }
    ftf_report_set(result, "locations", locations);
    ftf_report_set(result, "relatedLocations", related);
    ftf_report_set(result, "stacks", stacks);
}

static json_t *properties_of(const ftf_report_finding *finding) {
    static const char *const MEMBERS[] = {"id",         "blame",     "target",    "flavour", "severity",
                                          "signature",  "versions",  "replay",    "steals",  "section",
                                          "first_seen", "last_seen", "minimized", "gil",     "repro"};
    json_t *properties = json_object();
    for (size_t i = 0; i < sizeof MEMBERS / sizeof *MEMBERS; i++) {
        json_t *value = json_object_get(finding->json, MEMBERS[i]);
        if (value && !json_is_null(value)) {
            ftf_report_set(properties, MEMBERS[i], json_incref(value));
        }
    }
    ftf_report_set(properties, "folder", ftf_report_string(finding->entry->folder));
    return properties;
}

static void add_message(const ftf_report_finding *finding, json_t *result) {
    ftf_text text = {0};
    ftf_text_printf(&text, "%s (", finding->entry->title);
    if (finding->entry->measured) {
        ftf_text_str(&text, "replayed ");
    }
    ftf_report_rate(finding, &text);
    if (finding->entry->flavour[0]) {
        ftf_text_printf(&text, ", with %s", ftf_report_sanitizer(finding->entry->flavour));
    }
    ftf_text_char(&text, ')');
    ftf_report_set(result, "message", message(text.data));
    ftf_text_release(&text);
}

static json_t *result_to_json(const ftf_report_finding *finding) {
    const ftf_entry *e = finding->entry;
    int rule = rule_index(e->kind);
    json_t *result = json_object();
    ftf_report_set(result, "ruleId", ftf_report_string(e->kind));
    if (rule >= 0) {
        ftf_report_set(result, "ruleIndex", json_integer(rule));
    }
    ftf_report_set(result, "level", json_string(ftf_report_is_blamed(finding) ? level_of(e->severity) : "note"));
    add_message(finding, result);
    json_t *prints = json_object();
    ftf_report_set(prints, FINGERPRINT, ftf_report_string(e->signature));
    ftf_report_set(result, "partialFingerprints", prints);
    if (e->count > 0) {
        ftf_report_set(result, "occurrenceCount", json_integer((json_int_t)e->count));
    }
    add_places(finding, result);
    ftf_report_set(result, "properties", properties_of(finding));
    return result;
}

/* ---- the run ----------------------------------------------------------------------------------------------------- */

static json_t *invocation_to_json(const ftf_report *report) {
    const char *command = ftf_json_text(report->campaign, "command");
    json_t *notifications = json_array();
    for (size_t i = 0; i < report->damaged_count; i++) {
        ftf_text text = {0};
        ftf_text_printf(&text, "%s cannot be read and is left out: %s", report->damaged[i].folder,
                        report->damaged[i].reason);
        append(notifications, json_pack("{s:s, s:o}", "level", "warning", "message", message(text.data)));
        ftf_text_release(&text);
    }
    json_t *json = json_pack("{s:b, s:o}", "executionSuccessful", 1, "toolExecutionNotifications", notifications);
    FTF_ASSERT(json);
    if (command[0]) {
        ftf_report_set(json, "commandLine", json_string(command));
    }
    return json;
}

static json_t *base_ids(void) {
    return json_pack("{s:{s:o}}", BASE_ID, "description",
                     message("The root of the sources: CPython's for its own modules, else the extension's."));
}

json_t *ftf_report_sarif(const ftf_report *report) {
    json_t *results = json_array();
    for (size_t i = 0; i < report->count; i++) {
        append(results, result_to_json(&report->findings[i]));
    }
    json_t *run = json_pack("{s:{s:{s:s, s:s, s:o, s:o}}, s:[o], s:o, s:o}", "tool", "driver", "name", "ftfuzz",
                            "semanticVersion", report->version, "shortDescription",
                            message("Finds what breaks in a CPython extension when the GIL is gone."), "rules",
                            rules_to_json(), "invocations", invocation_to_json(report), "originalUriBaseIds",
                            base_ids(), "results", results);
    FTF_ASSERT(run);
    json_t *json = json_pack("{s:s, s:s, s:[o]}", "$schema", SCHEMA, "version", "2.1.0", "runs", run);
    FTF_ASSERT(json);
    return json;
}
