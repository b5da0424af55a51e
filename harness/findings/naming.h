#ifndef FTF_FINDINGS_NAMING_H
#define FTF_FINDINGS_NAMING_H
/* From raw stacks to named ones (frames.h), by way of the symbolizer. */
#include "findings/frames.h"
#include "findings/symbolize.h"

/* Names, classifies and chooses the frame that stands for the stack. `out` is zeroed; it borrows `raw` and the symbolizer's
   strings. `race`: see ftf_stack_choose_top. */
void ftf_stack_name(ftf_symbolizer *symbolizer, const ftf_catalog *catalog, const ftf_stack *raw, bool race,
                    ftf_named_stack *out);

#endif
