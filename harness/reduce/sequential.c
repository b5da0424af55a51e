#include "reduce/sequential.h"

#include <math.h>

ftf_sequential_verdict ftf_sequential_decide(const ftf_sequential *test, uint32_t k, uint32_t n) {
    const double taken = (double)FTF_SEQUENTIAL_TAKEN / 100, refused = (double)FTF_SEQUENTIAL_REFUSED / 100;
    double odds = k * log(test->good / test->bad) + (n - k) * log((1 - test->good) / (1 - test->bad));
    if (odds >= log((1 - refused) / taken)) {
        return FTF_SEQUENTIAL_GOOD;
    }
    return odds <= log(refused / (1 - taken)) ? FTF_SEQUENTIAL_BAD : FTF_SEQUENTIAL_OPEN;
}
