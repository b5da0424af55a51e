#include "scenario/emit_names.h"

#include <stddef.h>
#include <string.h>

/* What the script means by these (harness/python/rounds.py has most of them). */
static const char script_names[] =
    " BATCH COPIES Exception FIRST_CALLS ROUNDS SCENARIOS SECONDS STUCK TIMES _ begin end copy failed "
    "faulthandler finish gate gc itertools main meet operator os pickle play play_first random range setup "
    "sys target threading time todo traceback work ";

static const char *const script_prefixes[] = {"arg_", "finish_", "lane_", "recipe_", "setup_"};

static const char builtin_names[] =
    " ArithmeticError AssertionError AttributeError BaseException BaseExceptionGroup BlockingIOError "
    "BrokenPipeError BufferError ConnectionError EOFError Ellipsis Exception ExceptionGroup "
    "FileExistsError FileNotFoundError FloatingPointError GeneratorExit IOError ImportError IndexError "
    "KeyError KeyboardInterrupt LookupError MemoryError ModuleNotFoundError NameError NotImplemented "
    "NotImplementedError OSError OverflowError PermissionError RecursionError ReferenceError "
    "RuntimeError StopAsyncIteration StopIteration SyntaxError SystemError SystemExit TimeoutError "
    "TypeError UnboundLocalError UnicodeDecodeError UnicodeEncodeError UnicodeError ValueError Warning "
    "ZeroDivisionError __build_class__ __import__ abs aiter all anext any ascii bin bool breakpoint "
    "bytearray bytes callable chr classmethod compile complex delattr dict dir divmod enumerate eval "
    "exec filter float format frozenset getattr globals hasattr hash help hex id input int isinstance "
    "issubclass iter len list locals map max memoryview min next object oct open ord pow print property "
    "range repr reversed round set setattr slice sorted staticmethod str sum super tuple type vars zip ";

/* Whether the name is a word of the list, which has a blank before and behind each. */
static bool is_one_of(const char *list, const char *name) {
    size_t len = strlen(name);
    for (const char *at = strstr(list, name); at != NULL; at = strstr(at + 1, name)) {
        if (at[-1] == ' ' && at[len] == ' ') {
            return true;
        }
    }
    return false;
}

bool ftf_emit_is_script_name(const char *name) {
    for (size_t i = 0; i < sizeof script_prefixes / sizeof *script_prefixes; i++) {
        if (strncmp(name, script_prefixes[i], strlen(script_prefixes[i])) == 0) {
            return true;
        }
    }
    return is_one_of(script_names, name);
}

bool ftf_emit_is_builtin(const char *name) { return is_one_of(builtin_names, name); }
