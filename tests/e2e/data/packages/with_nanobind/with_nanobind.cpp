#include <nanobind/nanobind.h>

static long total;

NB_MODULE(with_nanobind, module) {
    module.def("add", [](long number) { return total += number; });
}
