/*
 * A bug of the very first call in a process, and with -DFIXED none. The table of a checksum is made when it is first needed.
 * Two first callers both make it, and the second one to finish frees the first one's table, which may be in use. Once the
 * table is there, nothing writes it again: a process that has called digest() once in peace never shows the bug.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdint.h>
#include <stdlib.h>

#define NOINLINE __attribute__((noinline))

static uint32_t *digest_table; /* 256 entries */

#ifdef FIXED
static PyMutex digest_mutex;
#endif

static NOINLINE uint32_t *make_table(void) {
    uint32_t *table = malloc(256 * sizeof *table);
    for (uint32_t i = 0; table != NULL && i < 256; i++) {
        uint32_t value = i;
        for (int bit = 0; bit < 8; bit++) {
            value = value & 1 ? value >> 1 ^ 0xedb88320u : value >> 1;
        }
        table[i] = value;
    }
    return table;
}

static NOINLINE const uint32_t *get_table(void) {
#ifdef FIXED
    PyMutex_Lock(&digest_mutex);
#endif
    if (digest_table == NULL) {
        uint32_t *made = make_table();
        free(digest_table);
        digest_table = made;
    }
    const uint32_t *table = digest_table;
#ifdef FIXED
    PyMutex_Unlock(&digest_mutex);
#endif
    return table;
}

static PyObject *digest(PyObject *Py_UNUSED(module), PyObject *arg) {
    char *bytes;
    Py_ssize_t len;
    if (PyBytes_AsStringAndSize(arg, &bytes, &len) < 0) {
        return NULL;
    }
    const uint32_t *table = get_table();
    if (table == NULL) {
        return PyErr_NoMemory();
    }
    uint32_t value = 0xffffffffu;
    for (Py_ssize_t i = 0; i < len; i++) {
        value = table[(value ^ (uint8_t)bytes[i]) & 0xff] ^ value >> 8;
    }
    return PyLong_FromUnsignedLong(value ^ 0xffffffffu);
}

/* What else a module of this kind has, without a bug. */
static PyObject *parity(PyObject *Py_UNUSED(module), PyObject *arg) {
    long value = PyLong_AsLong(arg);
    return value == -1 && PyErr_Occurred() ? NULL : PyBool_FromLong(__builtin_parityl((unsigned long)value));
}

static PyObject *count_bits(PyObject *Py_UNUSED(module), PyObject *arg) {
    long value = PyLong_AsLong(arg);
    return value == -1 && PyErr_Occurred() ? NULL : PyLong_FromLong(__builtin_popcountl((unsigned long)value));
}

static PyObject *sum_bytes(PyObject *Py_UNUSED(module), PyObject *arg) {
    char *bytes;
    Py_ssize_t len;
    if (PyBytes_AsStringAndSize(arg, &bytes, &len) < 0) {
        return NULL;
    }
    long sum = 0;
    for (Py_ssize_t i = 0; i < len; i++) {
        sum += (uint8_t)bytes[i];
    }
    return PyLong_FromLong(sum);
}

static PyObject *reversed_bytes(PyObject *Py_UNUSED(module), PyObject *arg) {
    char *bytes;
    Py_ssize_t len;
    if (PyBytes_AsStringAndSize(arg, &bytes, &len) < 0) {
        return NULL;
    }
    PyObject *result = PyBytes_FromStringAndSize(NULL, len);
    for (Py_ssize_t i = 0; result != NULL && i < len; i++) {
        PyBytes_AS_STRING(result)[i] = bytes[len - 1 - i];
    }
    return result;
}

static PyMethodDef functions[] = {
    {"digest", digest, METH_O, "digest(data): the CRC-32 of bytes"},
    {"parity", parity, METH_O, "parity(n): whether the number of set bits is odd"},
    {"count_bits", count_bits, METH_O, "count_bits(n): the number of set bits"},
    {"sum_bytes", sum_bytes, METH_O, "sum_bytes(data): the sum of all bytes"},
    {"reversed_bytes", reversed_bytes, METH_O, "reversed_bytes(data): the bytes from the last to the first"},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot slots[] = {
    {Py_mod_multiple_interpreters, Py_MOD_MULTIPLE_INTERPRETERS_NOT_SUPPORTED},
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
    {0, NULL},
};

#ifdef FIXED
#define NAME "coldstart_fixed"
#define INIT PyInit_coldstart_fixed
#else
#define NAME "coldstart"
#define INIT PyInit_coldstart
#endif

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, .m_name = NAME, .m_methods = functions, .m_slots = slots,
};

PyMODINIT_FUNC INIT(void) { return PyModuleDef_Init(&definition); }
