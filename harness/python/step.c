/*
 * Reading order: when_to_build (what an operand depends on), gather (operands at the call), run_* (one family of
 * ops each), ftf_step_run (the table ops.def as a switch).
 */
#include "python/step.h"

#include <string.h>

#include "python/build.h"

enum { LIST_ITEMS_MAX = 1000 };

/* Functions that are ops whatever the target is. */
static struct {
    PyObject *copy, *deepcopy, *dumps, *getsizeof, *collect, *enter, *exit;
} known;

/* ---- operands --------------------------------------------------------------------------------------------------------------- */

static ftf_operand_when later(ftf_operand_when a, ftf_operand_when b) { return a > b ? a : b; }

static ftf_operand_when when_to_build(const ftf_value *value) {
    ftf_operand_when when = FTF_OPERAND_ONCE;
    switch (value->kind) {
    case FTF_VALUE_SLOT: return FTF_OPERAND_LATE;
    case FTF_VALUE_LIST:
    case FTF_VALUE_SET:
    case FTF_VALUE_DICT:
    case FTF_VALUE_RECIPE: when = FTF_OPERAND_EACH_RUN; break;
    case FTF_VALUE_TUPLE: break;
    default: return FTF_OPERAND_ONCE;
    }
    for (uint32_t i = 0; i < value->len; i++) {
        when = later(when, when_to_build(&value->items[i]));
    }
    return when;
}

static bool add_operand(ftf_step *step, const ftf_value *value) {
    ftf_operand *operand = &step->operands[step->count++];
    *operand = (ftf_operand){.value = value};
    if (value->kind == FTF_VALUE_SLOT) {
        operand->when = FTF_OPERAND_SLOT;
        return true;
    }
    operand->when = when_to_build(value);
    if (operand->when == FTF_OPERAND_ONCE) {
        operand->object = ftf_build_value(value, NULL);
        if (operand->object == NULL) {
            PyErr_Clear();
            return false;
        }
    }
    return true;
}

/* Which forms have a receiver or left operand. */
static bool has_self(ftf_op_code code) { return code != FTF_OP_CALL && code != FTF_OP_COLLECT; }

static bool prepare_names(ftf_step *step, const ftf_op *op) {
    if (op->code == FTF_OP_CALL) {
        step->callable = ftf_build_global(op->name);
        if (step->callable == NULL) {
            PyErr_Clear();
            return false;
        }
    } else if (op->name != NULL) {
        step->name = PyUnicode_InternFromString(op->name);
    }
    if (op->kwargc > 0) {
        step->kwnames = PyTuple_New((Py_ssize_t)op->kwargc);
        for (uint32_t i = 0; i < op->kwargc; i++) {
            PyTuple_SET_ITEM(step->kwnames, (Py_ssize_t)i, PyUnicode_InternFromString(op->kwargs[i].name));
        }
    }
    return true;
}

bool ftf_step_prepare(ftf_step *step, const ftf_op *op) {
    memset(step, 0, sizeof *step);
    step->op = op;
    bool usable = prepare_names(step, op);
    if (has_self(op->code)) {
        usable = add_operand(step, &op->self) && usable;
    }
    for (uint32_t i = 0; i < op->argc; i++) {
        usable = add_operand(step, &op->args[i]) && usable;
    }
    for (uint32_t i = 0; i < op->kwargc; i++) {
        usable = add_operand(step, &op->kwargs[i].value) && usable;
    }
    return usable;
}

/* A failure leaves the operand unbuilt; the call then tries again and says what is wrong. */
void ftf_step_refresh(ftf_step *step) {
    for (uint32_t i = 0; i < step->count; i++) {
        ftf_operand *operand = &step->operands[i];
        if (operand->when == FTF_OPERAND_EACH_RUN) {
            operand->object = ftf_build_value(operand->value, NULL);
            PyErr_Clear();
        }
    }
}

void ftf_step_forget(ftf_step *step) {
    for (uint32_t i = 0; i < step->count; i++) {
        if (step->operands[i].when == FTF_OPERAND_EACH_RUN) {
            Py_CLEAR(step->operands[i].object);
        }
    }
}

void ftf_step_release(ftf_step *step) {
    for (uint32_t i = 0; i < step->count; i++) {
        Py_CLEAR(step->operands[i].object);
    }
    Py_CLEAR(step->callable);
    Py_CLEAR(step->name);
    Py_CLEAR(step->kwnames);
}

/* ---- running ----------------------------------------------------------------------------------------------------------------- */

/* The operands as an argument vector of borrowed references; what had to be built now is in owned[0..*owned_count). */
static bool gather(const ftf_step *step, PyObject *const *slots, PyObject **argv, PyObject **owned,
                   uint32_t *owned_count) {
    for (uint32_t i = 0; i < step->count; i++) {
        const ftf_operand *operand = &step->operands[i];
        if (operand->when == FTF_OPERAND_SLOT) {
            argv[i] = slots[operand->value->slot];
        } else if (operand->object != NULL) {
            argv[i] = operand->object;
        } else {
            argv[i] = owned[(*owned_count)++] = ftf_build_value(operand->value, slots);
        }
        if (argv[i] == NULL) {
            return false;
        }
    }
    return true;
}

static PyObject *done(int rc) { return rc < 0 ? NULL : Py_NewRef(Py_None); }

static PyObject *from_size(Py_ssize_t n) { return n < 0 ? NULL : PyLong_FromSsize_t(n); }

static PyObject *run_list(PyObject *object) {
    PyObject *iterator = PyObject_GetIter(object);
    PyObject *list = iterator != NULL ? PyList_New(0) : NULL;
    for (int n = 0; list != NULL && n < LIST_ITEMS_MAX; n++) {
        PyObject *item = PyIter_Next(iterator);
        if (item == NULL) {
            break;
        }
        if (PyList_Append(list, item) < 0) {
            Py_CLEAR(list);
        }
        Py_DECREF(item);
    }
    Py_XDECREF(iterator);
    if (list != NULL && PyErr_Occurred()) {
        Py_CLEAR(list);
    }
    return list;
}

static PyObject *run_next(PyObject *iterator) {
    if (!PyIter_Check(iterator)) {
        return PyErr_Format(PyExc_TypeError, "not an iterator");
    }
    PyObject *item = PyIter_Next(iterator);
    if (item == NULL && !PyErr_Occurred()) {
        PyErr_SetNone(PyExc_StopIteration);
    }
    return item;
}

static PyObject *run_with(PyObject *manager) {
    PyObject *entered = PyObject_CallMethodNoArgs(manager, known.enter);
    if (entered == NULL) {
        return NULL;
    }
    Py_DECREF(entered);
    PyObject *argv[] = {manager, Py_None, Py_None, Py_None};
    return PyObject_VectorcallMethod(known.exit, argv, 4, NULL);
}

static PyObject *run_call(const ftf_step *step, PyObject **argv) {
    size_t positional = step->count - step->op->kwargc;
    if (step->op->code == FTF_OP_METHOD) {
        return PyObject_VectorcallMethod(step->name, argv, positional, step->kwnames);
    }
    return PyObject_Vectorcall(step->callable, argv, positional, step->kwnames);
}

static PyObject *run_attribute(const ftf_step *step, PyObject **argv) {
    switch (step->op->code) {
    case FTF_OP_GETATTR: return PyObject_GetAttr(argv[0], step->name);
    case FTF_OP_SETATTR: return done(PyObject_SetAttr(argv[0], step->name, argv[1]));
    default: return done(PyObject_DelAttr(argv[0], step->name));
    }
}

static PyObject *run_item(ftf_op_code code, PyObject **argv) {
    switch (code) {
    case FTF_OP_GETITEM: return PyObject_GetItem(argv[0], argv[1]);
    case FTF_OP_SETITEM: return done(PyObject_SetItem(argv[0], argv[1], argv[2]));
    default: return done(PyObject_DelItem(argv[0], argv[1]));
    }
}

static PyObject *run_binary(ftf_op_code code, PyObject *a, PyObject *b) {
    switch (code) {
    case FTF_OP_ADD: return PyNumber_Add(a, b);
    case FTF_OP_SUB: return PyNumber_Subtract(a, b);
    case FTF_OP_MUL: return PyNumber_Multiply(a, b);
    case FTF_OP_TRUEDIV: return PyNumber_TrueDivide(a, b);
    case FTF_OP_FLOORDIV: return PyNumber_FloorDivide(a, b);
    case FTF_OP_MOD: return PyNumber_Remainder(a, b);
    case FTF_OP_MATMUL: return PyNumber_MatrixMultiply(a, b);
    case FTF_OP_POW: return PyNumber_Power(a, b, Py_None);
    case FTF_OP_AND: return PyNumber_And(a, b);
    case FTF_OP_OR: return PyNumber_Or(a, b);
    case FTF_OP_XOR: return PyNumber_Xor(a, b);
    case FTF_OP_LSHIFT: return PyNumber_Lshift(a, b);
    case FTF_OP_RSHIFT: return PyNumber_Rshift(a, b);
    case FTF_OP_EQ: return PyObject_RichCompare(a, b, Py_EQ);
    case FTF_OP_NE: return PyObject_RichCompare(a, b, Py_NE);
    case FTF_OP_LT: return PyObject_RichCompare(a, b, Py_LT);
    case FTF_OP_LE: return PyObject_RichCompare(a, b, Py_LE);
    case FTF_OP_GT: return PyObject_RichCompare(a, b, Py_GT);
    case FTF_OP_GE: return PyObject_RichCompare(a, b, Py_GE);
    case FTF_OP_CONTAINS: return done(PySequence_Contains(b, a));
    case FTF_OP_IADD: return PyNumber_InPlaceAdd(a, b);
    case FTF_OP_ISUB: return PyNumber_InPlaceSubtract(a, b);
    case FTF_OP_IMUL: return PyNumber_InPlaceMultiply(a, b);
    case FTF_OP_IAND: return PyNumber_InPlaceAnd(a, b);
    case FTF_OP_IOR: return PyNumber_InPlaceOr(a, b);
    case FTF_OP_IXOR: return PyNumber_InPlaceXor(a, b);
    default: Py_UNREACHABLE();
    }
}

static PyObject *run_unary(ftf_op_code code, PyObject *a) {
    switch (code) {
    case FTF_OP_NEG: return PyNumber_Negative(a);
    case FTF_OP_INVERT: return PyNumber_Invert(a);
    case FTF_OP_LEN: return from_size(PyObject_Size(a));
    case FTF_OP_ITER: return PyObject_GetIter(a);
    case FTF_OP_REVERSED: return PyObject_CallOneArg((PyObject *)&PyReversed_Type, a);
    case FTF_OP_NEXT: return run_next(a);
    case FTF_OP_LIST: return run_list(a);
    case FTF_OP_REPR: return PyObject_Repr(a);
    case FTF_OP_STR: return PyObject_Str(a);
    case FTF_OP_HASH: return PyObject_Hash(a) == -1 ? NULL : Py_NewRef(Py_None);
    case FTF_OP_BOOL: return done(PyObject_IsTrue(a));
    case FTF_OP_BYTES: return PyObject_CallOneArg((PyObject *)&PyBytes_Type, a);
    case FTF_OP_MEMORYVIEW: return PyMemoryView_FromObject(a);
    case FTF_OP_INT: return PyNumber_Long(a);
    case FTF_OP_FLOAT: return PyNumber_Float(a);
    case FTF_OP_ABS: return PyNumber_Absolute(a);
    case FTF_OP_COPY: return PyObject_CallOneArg(known.copy, a);
    case FTF_OP_DEEPCOPY: return PyObject_CallOneArg(known.deepcopy, a);
    case FTF_OP_PICKLE: return PyObject_CallOneArg(known.dumps, a);
    case FTF_OP_SIZEOF: return PyObject_CallOneArg(known.getsizeof, a);
    case FTF_OP_WITH: return run_with(a);
    default: Py_UNREACHABLE();
    }
}

static PyObject *run_gathered(const ftf_step *step, PyObject **argv, PyObject **slots) {
    ftf_op_code code = step->op->code;
    switch (code) {
    case FTF_OP_CALL:
    case FTF_OP_METHOD: return run_call(step, argv);
    case FTF_OP_GETATTR:
    case FTF_OP_SETATTR:
    case FTF_OP_DELATTR: return run_attribute(step, argv);
    case FTF_OP_GETITEM:
    case FTF_OP_SETITEM:
    case FTF_OP_DELITEM: return run_item(code, argv);
    case FTF_OP_DROP: Py_CLEAR(slots[step->op->self.slot]); return Py_NewRef(Py_None);
    case FTF_OP_COLLECT: return PyObject_CallNoArgs(known.collect);
    default:
        return code >= FTF_OP_ADD && code <= FTF_OP_IXOR ? run_binary(code, argv[0], argv[1])
                                                         : run_unary(code, argv[0]);
    }
}

/* The receiver of a call must outlive the call even when the lane's slot is rebound meanwhile by the call itself
   (a callback cannot reach lane slots, so borrowing from the slot array is enough). */
PyObject *ftf_step_run(const ftf_step *step, PyObject **slots, bool *skipped) {
    PyObject *argv[FTF_OPERANDS_MAX + 1];
    PyObject *owned[FTF_OPERANDS_MAX];
    uint32_t owned_count = 0;
    PyObject *result = NULL;
    *skipped = false;
    if (gather(step, slots, argv, owned, &owned_count)) {
        result = run_gathered(step, argv, slots);
    } else {
        *skipped = !PyErr_Occurred() || PyErr_ExceptionMatches(PyExc_NameError);
        if (*skipped) {
            PyErr_Clear();
        }
    }
    while (owned_count > 0) {
        Py_XDECREF(owned[--owned_count]);
    }
    return result;
}

static PyObject *find(const char *module, const char *name) {
    PyObject *imported = PyImport_ImportModule(module);
    PyObject *found = imported != NULL ? PyObject_GetAttrString(imported, name) : NULL;
    Py_XDECREF(imported);
    return found;
}

bool ftf_step_init(void) {
    known.copy = find("copy", "copy");
    known.deepcopy = find("copy", "deepcopy");
    known.dumps = find("pickle", "dumps");
    known.getsizeof = find("sys", "getsizeof");
    known.collect = find("gc", "collect");
    known.enter = PyUnicode_InternFromString("__enter__");
    known.exit = PyUnicode_InternFromString("__exit__");
    return known.copy != NULL && known.deepcopy != NULL && known.dumps != NULL && known.getsizeof != NULL &&
           known.collect != NULL && known.enter != NULL && known.exit != NULL;
}
