#include "python/build.h"

#include <string.h>

#include "python_sources.h"

static PyObject *target_module; /* imported for good */
static PyObject *builtins_module;
static PyObject *recipes; /* dict of recipes.py */

/* ---- names --------------------------------------------------------------------------------------------------------------- */

/* Follows the attributes of a dotted tail. Steals `object`. */
static PyObject *follow(PyObject *object, const char *tail) {
    while (object != NULL && tail != NULL) {
        const char *dot = strchr(tail, '.');
        size_t len = dot != NULL ? (size_t)(dot - tail) : strlen(tail);
        PyObject *name = PyUnicode_FromStringAndSize(tail, (Py_ssize_t)len);
        PyObject *next = name != NULL ? PyObject_GetAttr(object, name) : NULL;
        Py_XDECREF(name);
        Py_DECREF(object);
        object = next;
        tail = dot != NULL ? dot + 1 : NULL;
    }
    return object;
}

static PyObject *first_component(PyObject *name) {
    PyObject *found = NULL;
    if (PyObject_GetOptionalAttr(target_module, name, &found) != 0) {
        return found;
    }
    if (PyObject_GetOptionalAttr(builtins_module, name, &found) != 0) {
        return found;
    }
    found = PyImport_Import(name);
    if (found == NULL && PyErr_ExceptionMatches(PyExc_ImportError)) {
        PyErr_Format(PyExc_NameError, "name '%U' is not defined", name);
    }
    return found;
}

PyObject *ftf_build_global(const char *name) {
    const char *dot = strchr(name, '.');
    size_t len = dot != NULL ? (size_t)(dot - name) : strlen(name);
    PyObject *first = PyUnicode_FromStringAndSize(name, (Py_ssize_t)len);
    if (first == NULL) {
        return NULL;
    }
    PyObject *object = first_component(first);
    Py_DECREF(first);
    return follow(object, dot != NULL ? dot + 1 : NULL);
}

/* ---- values --------------------------------------------------------------------------------------------------------------- */

static PyObject *build_tuple(const ftf_value *value, PyObject *const *slots) {
    PyObject *tuple = PyTuple_New((Py_ssize_t)value->len);
    for (uint32_t i = 0; tuple != NULL && i < value->len; i++) {
        PyObject *item = ftf_build_value(&value->items[i], slots);
        if (item == NULL) {
            Py_CLEAR(tuple);
        } else {
            PyTuple_SET_ITEM(tuple, (Py_ssize_t)i, item);
        }
    }
    return tuple;
}

static PyObject *build_list(const ftf_value *value, PyObject *const *slots) {
    PyObject *list = PyList_New((Py_ssize_t)value->len);
    for (uint32_t i = 0; list != NULL && i < value->len; i++) {
        PyObject *item = ftf_build_value(&value->items[i], slots);
        if (item == NULL) {
            Py_CLEAR(list);
        } else {
            PyList_SET_ITEM(list, (Py_ssize_t)i, item);
        }
    }
    return list;
}

static PyObject *build_set(const ftf_value *value, PyObject *const *slots) {
    PyObject *set = PySet_New(NULL);
    for (uint32_t i = 0; set != NULL && i < value->len; i++) {
        PyObject *item = ftf_build_value(&value->items[i], slots);
        if (item == NULL || PySet_Add(set, item) < 0) {
            Py_CLEAR(set);
        }
        Py_XDECREF(item);
    }
    return set;
}

static PyObject *build_dict(const ftf_value *value, PyObject *const *slots) {
    PyObject *dict = PyDict_New();
    for (uint32_t i = 0; dict != NULL && i + 1 < value->len; i += 2) {
        PyObject *key = ftf_build_value(&value->items[i], slots);
        PyObject *item = key != NULL ? ftf_build_value(&value->items[i + 1], slots) : NULL;
        if (item == NULL || PyDict_SetItem(dict, key, item) < 0) {
            Py_CLEAR(dict);
        }
        Py_XDECREF(key);
        Py_XDECREF(item);
    }
    return dict;
}

static PyObject *build_recipe(const ftf_value *value, PyObject *const *slots) {
    char name[FTF_NAME_MAX + 16];
    snprintf(name, sizeof name, "recipe_%s", value->text);
    PyObject *recipe = PyDict_GetItemString(recipes, name); /* borrowed from a dict that nobody changes */
    if (recipe == NULL) {
        return PyErr_Format(PyExc_NameError, "no recipe $%s", value->text);
    }
    PyObject *args = build_tuple(value, slots);
    PyObject *made = args != NULL ? PyObject_CallObject(recipe, args) : NULL;
    Py_XDECREF(args);
    return made;
}

static PyObject *build_int(const char *text) {
    char *end;
    if (strlen(text) < 18) {
        long long small = strtoll(text, &end, 0);
        if (*end == 0) {
            return PyLong_FromLongLong(small);
        }
    }
    return PyLong_FromString(text, NULL, 0);
}

static PyObject *build_float(const char *text) {
    double value = PyOS_string_to_double(text, NULL, NULL);
    return value == -1.0 && PyErr_Occurred() ? NULL : PyFloat_FromDouble(value);
}

PyObject *ftf_build_value(const ftf_value *value, PyObject *const *slots) {
    switch (value->kind) {
    case FTF_VALUE_NONE: return Py_NewRef(Py_None);
    case FTF_VALUE_TRUE: return Py_NewRef(Py_True);
    case FTF_VALUE_FALSE: return Py_NewRef(Py_False);
    case FTF_VALUE_INT: return build_int(value->text);
    case FTF_VALUE_FLOAT: return build_float(value->text);
    case FTF_VALUE_STR: return PyUnicode_DecodeUTF8(value->text, (Py_ssize_t)value->len, "surrogatepass");
    case FTF_VALUE_BYTES: return PyBytes_FromStringAndSize(value->text, (Py_ssize_t)value->len);
    case FTF_VALUE_TUPLE: return build_tuple(value, slots);
    case FTF_VALUE_LIST: return build_list(value, slots);
    case FTF_VALUE_SET: return build_set(value, slots);
    case FTF_VALUE_DICT: return build_dict(value, slots);
    case FTF_VALUE_GLOBAL: return ftf_build_global(value->text);
    case FTF_VALUE_RECIPE: return build_recipe(value, slots);
    case FTF_VALUE_SLOT:
        if (slots[value->slot] == NULL) {
            PyErr_SetString(PyExc_NameError, "the slot is empty");
        }
        return Py_XNewRef(slots[value->slot]);
    case FTF_VALUE_COUNT: break;
    }
    Py_UNREACHABLE();
}

ftf_status ftf_build_init(const char *module, ftf_error *err) {
    target_module = PyImport_ImportModule(module);
    builtins_module = PyImport_ImportModule("builtins");
    recipes = PyDict_New();
    PyObject *ran = NULL;
    if (target_module != NULL && builtins_module != NULL && recipes != NULL &&
        PyDict_SetItemString(recipes, "__builtins__", builtins_module) == 0 &&
        PyDict_SetItemString(recipes, "__name__", Py_None) == 0) {
        ran = PyRun_String(ftf_py_recipes, Py_file_input, recipes, recipes);
    }
    if (ran == NULL) {
        PyErr_Print();
        return ftf_fail(err, FTF_SETUP, "recipes.py does not run in this interpreter");
    }
    Py_DECREF(ran);
    return FTF_OK;
}
