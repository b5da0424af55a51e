/* expect: data-race tsan in break_down <-> break_down|calendar_split|calendar_weekday;
           data-race tsan in calendar_split <-> calendar_weekday */
/*
 * K17, global state of the C library. gmtime() gives a pointer to one struct for the whole process; its fields are
 * corrected in place and read while another thread breaks down another time.
 */
#include "canary.h"

#include <time.h>

#define SECONDS_MAX (1LL << 40) /* about 35,000 years, so that every time has a calendar date */

/* The parts of a time in UTC, month and year as people count them. */
static NOINLINE struct tm *break_down(time_t seconds, struct tm *room) {
#ifdef FIXED
    struct tm *parts = gmtime_r(&seconds, room);
#else
    (void)room;
    struct tm *parts = gmtime(&seconds);
#endif
    parts->tm_year += 1900;
    parts->tm_mon += 1;
    return parts;
}

/* Parses arg into parts, which may point to room; NULL with an exception. */
static struct tm *parse_time(PyObject *arg, struct tm *room) {
    long long seconds = PyLong_AsLongLong(arg);
    if (seconds == -1 && PyErr_Occurred()) {
        return NULL;
    }
    if (seconds < -SECONDS_MAX || seconds > SECONDS_MAX) {
        PyErr_SetString(PyExc_OverflowError, "no calendar goes that far");
        return NULL;
    }
    return break_down((time_t)seconds, room);
}

static PyObject *calendar_split(PyObject *Py_UNUSED(module), PyObject *arg) {
    struct tm room, *parts = parse_time(arg, &room);
    if (parts == NULL) {
        return NULL;
    }
    return Py_BuildValue("(iiiiii)", parts->tm_year, parts->tm_mon, parts->tm_mday, parts->tm_hour, parts->tm_min,
                         parts->tm_sec);
}

static PyObject *calendar_weekday(PyObject *Py_UNUSED(module), PyObject *arg) {
    struct tm room, *parts = parse_time(arg, &room);
    return parts == NULL ? NULL : PyLong_FromLong(parts->tm_wday);
}

static PyMethodDef functions[] = {
    {"split", calendar_split, METH_O, "split(seconds): year, month, day, hour, minute, second in UTC"},
    {"weekday", calendar_weekday, METH_O, "weekday(seconds): 0 for Sunday"},
    {NULL, NULL, 0, NULL},
};

CANARY_MODULE(ck17_libc_state, functions, canary_no_types)
