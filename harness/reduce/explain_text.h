#ifndef FTF_REDUCE_EXPLAIN_TEXT_H
#define FTF_REDUCE_EXPLAIN_TEXT_H
/* The text of an explanation, from a record and the trace of its process. Runs nothing, so that tests give it made-up ones. */
#include "base/text.h"
#include "base/trace.h"
#include "findings/finding.h"
#include "findings/record.h"

typedef struct ftf_explained {
    ftf_symbolizer *symbolizer;
    const ftf_catalog *catalog; /* may be NULL */
    ftf_record *record;
    ftf_trace trace;
} ftf_explained;

/* FTF_INPUT when the record's scenario does not parse. */
ftf_status ftf_explain_write(const ftf_explained *explained, ftf_text *out, ftf_error *err);

#endif
