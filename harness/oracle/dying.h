#ifndef FTF_ORACLE_DYING_H
#define FTF_ORACLE_DYING_H
#include <stdbool.h>

/* Whether a sanitizer has begun to report an error that ends the process. From then on lanes run freely, and what else goes wrong with
   them must not end the process before the report is out. Any thread. */
bool ftf_is_dying(void);

#endif
