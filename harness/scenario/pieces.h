#ifndef FTF_SCENARIO_PIECES_H
#define FTF_SCENARIO_PIECES_H
/*
 * What shapes are put together from: a shared object with a past, a lane that does a few things to it. Only files named
 * shapes*.c use it.
 */
#include "scenario/gen.h"

/* Does something of these roles, once in four times repeatedly. */
bool ftf_piece_act(ftf_gen *gen, int lane, int slot, uint32_t roles);

/* The same, and keeps a result that something is known about; FTF_NO_SLOT, and nothing done, when there is none. */
int ftf_piece_act_and_keep(ftf_gen *gen, int lane, int slot, uint32_t roles);

/* One to three things, the first one of these roles, the others as likely anything. */
bool ftf_piece_act_some(ftf_gen *gen, int lane, int slot, uint32_t roles);

/* What happened to an object before matters: grown and shrunk buffers, advanced cursors, filled caches. */
void ftf_piece_add_history(ftf_gen *gen, int slot);

/* A shared object of this type (-1: none), or of one that has all of these roles, mostly with a history. */
int ftf_piece_share(ftf_gen *gen, int type);
int ftf_piece_share_type_with(ftf_gen *gen, uint32_t roles);

/* Lanes beyond the second one join in with any of these roles. */
void ftf_piece_fill_other_lanes(ftf_gen *gen, int slot, uint32_t roles);

/* The other lanes do what lane 0 does, with the same arguments. */
void ftf_piece_follow(ftf_gen *gen);

#endif
