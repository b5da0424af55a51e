#include <pybind11/pybind11.h>

static long total;

PYBIND11_MODULE(with_pybind11, module, pybind11::mod_gil_not_used()) {
    module.def("add", [](long number) { return total += number; });
}
