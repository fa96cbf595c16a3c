// CUDA C as a C++ compiler understands it: blocks one after another, their threads in turns.
//
// Every CUDA thread is a fiber with a stack of its own. It runs until it waits at a barrier; then
// another goes on. Between two barriers threads run in a shuffled order, and so do blocks, since a
// card promises none. Shared memory is full of garbage when a block begins, as on a card. Threads
// that wait at different barriers, or for one that has ended, are an error and not a hang.
//
// It needs a GNU C++ compiler and ucontext.h. It cannot show races between blocks that run at the
// same time, nor speed.
#pragma once
#include <cmath>
#include <csetjmp>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ucontext.h>
#include <utility>

#define __global__
#define __device__ static inline
#define __shared__ static __attribute__((section("shared_memory")))

extern "C" char __start_shared_memory[] __attribute__((weak));
extern "C" char __stop_shared_memory[] __attribute__((weak));

using std::floor;
using std::fmax;
using std::fmin;
using std::sqrt;
template <class T> static inline T min(T a, T b) { return a < b ? a : b; }
template <class T> static inline T max(T a, T b) { return a > b ? a : b; }

namespace emulation {

const int MOST_THREADS = 1024, WARP = 32;
const size_t STACK = 64 * 1024;

struct Index { unsigned x, y, z; };
enum State { READY, AT_BLOCK_BARRIER, AT_WARP_BARRIER, ENDED };

struct Thread {
    Index index;
    int number;     // within its block
    State state;
    int line;       // of the barrier that it waits at
    int value;      // what it brought to the barrier
    bool started;
    jmp_buf place;  // where it goes on
    char* stack;
};

static Thread threads[MOST_THREADS];
static Thread* current;
static int n_threads;
static Index grid, block, block_index;
static jmp_buf home;
static void (*body)(const void*);
static const void* body_arguments;
static int block_result;                        // of the last barrier of the block
static unsigned warp_result[MOST_THREADS / WARP];  // and of each warp
static char message[256];
static unsigned long long random_state;

static inline unsigned random_number()
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (unsigned)(random_state >> 33);
}

// Order 0 is the natural one, 1 the reverse, all others are drawn.
static void put_in_order(unsigned* items, unsigned n, unsigned order)
{
    for (unsigned k = 0; k < n; ++k)
        items[k] = order == 1 ? n - 1 - k : k;
    if (order > 1)
        for (unsigned k = n; k > 1; --k)
            std::swap(items[k - 1], items[random_number() % k]);
}

static void wait(State state, int line, int value)
{
    current->state = state;
    current->line = line;
    current->value = value;
    if (!_setjmp(current->place))
        _longjmp(home, 1);
}

static void life()  // of a thread: one block after another
{
    for (;;) {
        body(body_arguments);
        wait(ENDED, 0, 0);
    }
}

static void go_on(Thread* thread)
{
    current = thread;
    if (_setjmp(home))
        return;
    if (thread->started)
        _longjmp(thread->place, 1);
    thread->started = true;
    static ucontext_t context, unused;
    getcontext(&context);
    context.uc_stack.ss_sp = thread->stack = (char*)malloc(STACK);
    context.uc_stack.ss_size = STACK;
    context.uc_link = nullptr;
    makecontext(&context, life, 0);
    swapcontext(&unused, &context);
}

// Let those go on who have all arrived at one barrier; say what is wrong if nobody can.
static bool open_barriers()
{
    int ended = 0, waiting = 0, line = 0;
    bool one_line = true;
    block_result = 0;
    for (int k = 0; k < n_threads; ++k) {
        const Thread& t = threads[k];
        ended += t.state == ENDED;
        if (t.state == AT_BLOCK_BARRIER) {
            one_line &= !waiting++ || t.line == line;
            line = t.line;
            block_result |= t.value;
        }
    }
    if (waiting == n_threads) {
        for (int k = 0; k < n_threads; ++k)
            threads[k].state = READY;
        if (!one_line)
            snprintf(message, sizeof message, "threads wait at different barriers");
        return one_line;
    }
    bool opened = false;
    for (int first = 0; first < n_threads; first += WARP) {
        const int size = min(WARP, n_threads - first);
        int arrived = 0;
        bool together = true;
        unsigned bits = 0;
        for (int k = 0; k < size; ++k) {
            const Thread& t = threads[first + k];
            arrived += t.state == AT_WARP_BARRIER;
            together &= t.line == threads[first].line;
            bits |= (unsigned)(t.value != 0) << k;
        }
        if (!arrived)
            continue;
        if (arrived < WARP || !together)
            continue;  // somebody of this warp has ended, or waits elsewhere, or was never there
        warp_result[first / WARP] = bits;
        for (int k = 0; k < size; ++k)
            threads[first + k].state = READY;
        opened = true;
    }
    if (!opened)
        snprintf(message, sizeof message,
                 "barrier divergence: of %d threads, %d have ended and %d wait at line %d",
                 n_threads, ended, waiting, line);
    return opened;
}

static bool run_block(unsigned order)
{
    static unsigned turn[MOST_THREADS];
    for (char* p = __start_shared_memory; p < __stop_shared_memory; ++p)
        *p = (char)random_number();
    for (int k = 0; k < n_threads; ++k)
        threads[k].state = READY;
    for (;;) {
        put_in_order(turn, n_threads, order);
        for (int k = 0; k < n_threads; ++k)
            if (threads[turn[k]].state == READY)
                go_on(&threads[turn[k]]);
        bool all_ended = true;
        for (int k = 0; k < n_threads; ++k)
            all_ended &= threads[k].state == ENDED;
        if (all_ended)
            return true;
        if (!open_barriers()) {
            for (int k = 0; k < n_threads; ++k) {  // their stacks hold half a kernel
                threads[k].started = false;
                free(threads[k].stack);
            }
            return false;
        }
    }
}

template <class... A, size_t... I>
static void call(void (*kernel)(A...), void** arguments, std::index_sequence<I...>)
{
    kernel(*(A*)arguments[I]...);
}

// Run a kernel; return 0, or 1 with the reason in `message`.
template <class... A>
static int launch(void (*kernel)(A...), const unsigned* blocks, const unsigned* size, unsigned order,
                  void** arguments)
{
    grid = {blocks[0], blocks[1], blocks[2]};
    block = {size[0], size[1], size[2]};
    const size_t wanted = (size_t)block.x * block.y * block.z;
    const size_t n_blocks = (size_t)grid.x * grid.y * grid.z;
    if (wanted < 1 || wanted > MOST_THREADS || block.z > 64 || n_blocks < 1 || grid.x > 0x7fffffff ||
        grid.y > 65535 || grid.z > 65535) {
        snprintf(message, sizeof message, "a card cannot launch %ux%ux%u blocks of %ux%ux%u threads",
                 grid.x, grid.y, grid.z, block.x, block.y, block.z);
        return 1;
    }
    random_state = order * 2654435761ull + 88172645463325252ull;
    n_threads = (int)wanted;
    for (unsigned k = 0; k < wanted; ++k) {
        threads[k].number = k;
        threads[k].index = {k % block.x, k / block.x % block.y, k / (block.x * block.y)};
    }
    struct Call { void (*kernel)(A...); void** arguments; };
    const Call what = {kernel, arguments};
    body_arguments = &what;
    body = [](const void* it) {
        const Call* what = (const Call*)it;
        call(what->kernel, what->arguments, std::index_sequence_for<A...>{});
    };
    unsigned* turn = (unsigned*)malloc(n_blocks * sizeof(unsigned));
    put_in_order(turn, (unsigned)n_blocks, order);
    bool good = true;
    for (size_t k = 0; k < n_blocks && good; ++k) {
        block_index = {turn[k] % grid.x, turn[k] / grid.x % grid.y, turn[k] / (grid.x * grid.y)};
        good = run_block(order);
    }
    free(turn);
    return !good;
}

static inline int at_block_barrier(int line, int value)
{
    wait(AT_BLOCK_BARRIER, line, value);
    return block_result;
}

static inline unsigned at_warp_barrier(int line, unsigned mask, int value)
{
    if (mask != 0xffffffffu) {
        fprintf(stderr, "line %d: this emulation knows whole warps only\n", line);
        abort();
    }
    wait(AT_WARP_BARRIER, line, value);
    return warp_result[current->number / WARP];
}

}  // namespace emulation

#define threadIdx (emulation::current->index)
#define blockIdx (emulation::block_index)
#define blockDim (emulation::block)
#define gridDim (emulation::grid)
#define __syncthreads() emulation::at_block_barrier(__LINE__, 0)
#define __syncthreads_or(value) emulation::at_block_barrier(__LINE__, !!(value))
#define __ballot_sync(mask, value) emulation::at_warp_barrier(__LINE__, mask, !!(value))

static inline int __popc(unsigned x) { return __builtin_popcount(x); }

// Threads run in turns, so what is one step on a card is one step here too.
template <class T> static inline T atomicAdd(T* place, T value)
{
    const T old = *place;
    *place = old + value;
    return old;
}
template <class T> static inline T atomicMin(T* place, T value)
{
    const T old = *place;
    *place = min(old, value);
    return old;
}
template <class T> static inline T atomicExch(T* place, T value)
{
    const T old = *place;
    *place = value;
    return old;
}
