// The GPU's half of the library. Read reference.py first: the numbered steps are the same.
//
// This one text is compiled by NVRTC, through CuPy, for a graphics card, and by a C++ compiler for
// the emulation on the CPU. It is compiled twice: with ONE_BIT for BS4NN, whose weights are single
// bits and whose potentials are whole numbers; without it for S4NN, where both are real.
//
// All sums are added in the order of the reference, every number has one writer, no real number is
// added atomically, and multiplications are not fused with additions: so results are equal to the
// last bit, whatever the order in which threads run.
//
// Weights lie input by input, as in a .bits file: the weight from input i to neuron j has the place
// i * n_out + j. What one input sends to all neurons lies side by side, and so do threads.

#ifdef ONE_BIT
typedef float Number;     // latent weights
typedef int Sum;          // potentials
typedef unsigned Weight;  // 32 signs
#define SMALLEST 1.17549435e-38f
#else
typedef double Number;
typedef double Sum;
typedef double Weight;
#define SMALLEST 2.2250738585072014e-308
#endif

#define CHUNK 128  // spikes that a block fetches at a time

// How far a training has come, in the memory of the card: the host need not wait to know.
// A round looks at some images and learns from one of them, or from all, or from none.
enum {
    NEXT,     // the first image of the next round
    BEGAN,    // the first image of this round
    FROM,     // which images of this round to learn from, counted from BEGAN
    TO,       // the one after the last of them
    UPDATES,  // images learned from so far, that had an error
    FAILED    // the layer whose scale fell to zero, or -1
};

__device__ Sum weight(const Weight* weights, unsigned place)
{
#ifdef ONE_BIT
    return weights[place / 32] >> place % 32 & 1 ? 1 : -1;
#else
    return weights[place];
#endif
}

// What the potential of neuron j must exceed, in the unit of the weights it adds up.
__device__ double limit_of(const double* threshold, const double* scale, const double* shrink,
                           int j, int row)
{
#ifdef ONE_BIT
    return floor(threshold[j] / scale[0]);  // of whole numbers: V > theta is V > floor(theta)
#else
    return threshold[j] / shrink[row];
#endif
}

// Length of a vector. One thread adds from the left, as the reference does.
__device__ double length_of(const double* delta, int n)
{
    double total = 0;
    for (int j = 0; j < n; ++j)
        total += delta[j] * delta[j];
    return sqrt(total);
}

// How the scale should change for one image: the mean over its synapses.
__device__ double slope_of(const double* delta, const Sum* potential, int n_in, int n_out)
{
    double total = 0;
    for (int j = 0; j < n_out; ++j)
        total += delta[j] * potential[j];
    return total / ((double)n_out * n_in);
}

// List the spikes of every image, by time; of those that fire together, the lower index first.
// One thread per input: its place in the list is the number of spikes that come before it.
extern "C" __global__ void list_spikes(const int* state, int end, const short* times, int n_in,
                                       int t_max, int* who, int* count)
{
    const int row = state[NEXT] + blockIdx.x;
    const int i = blockIdx.y * blockDim.x + threadIdx.x;
    if (row >= end || i >= n_in)
        return;
    const short* t = times + (size_t)row * n_in;
    int before = 0, spikes = 0;
    for (int k = 0; k < n_in; ++k) {
        before += t[k] < t[i] || (t[k] == t[i] && k < i);
        spikes += t[k] < t_max;
    }
    if (t[i] < t_max)
        who[(size_t)row * n_in + before] = i;
    if (i == 0)
        count[row] = spikes;
}

// Firing times of one layer. A block is one image and some neurons, a thread is one neuron.
// Row r of the results is image which[r].
extern "C" __global__ void forward(const int* state, int end, const int* which, const short* times,
                                   const int* who, const int* count, const Weight* weights,
                                   const double* threshold, const double* scale,
                                   const double* shrink, int n_in, int n_out, int t_max,
                                   short* spike_times, Sum* potential, double* excess, Sum* late)
{
    __shared__ int heard[CHUNK];          // who fires,
    __shared__ short arrival[CHUNK + 1];  // and when
    const int row = state[NEXT] + blockIdx.x;
    if (row >= end || state[FAILED] >= 0)
        return;
    const int j = blockIdx.y * blockDim.x + threadIdx.x;
    const bool is_neuron = j < n_out;
    const size_t image = which[row];
    const int n = count[image];
    const double theta = is_neuron ? limit_of(threshold, scale, shrink, j, row) : 0;
#ifdef ONE_BIT
    const Sum limit = (Sum)fmin(fmax(theta, -n_in - 1.0), (double)n_in);  // no sum is beyond that
#else
    const Sum limit = theta;
#endif

    Sum v = 0, v_at_spike = 0, v_late = 0;
    int fired = t_max;
    const bool starts_late = n == 0 || times[image * n_in + who[image * n_in]] > 0;
    if (starts_late && v > limit)  // a neuron with a negative threshold needs no input at all
        fired = 1;
    for (int done = 0; done < n; done += CHUNK) {
        for (int k = threadIdx.x; k <= CHUNK; k += blockDim.x) {
            const bool is_spike = done + k < n;
            const int i = is_spike ? who[image * n_in + done + k] : 0;
            if (k < CHUNK)
                heard[k] = i;
            arrival[k] = is_spike ? times[image * n_in + i] : (short)t_max;
        }
        __syncthreads();
        for (int k = 0; is_neuron && k < CHUNK && done + k < n; ++k) {
            const int t = arrival[k];
            v += weight(weights, (unsigned)heard[k] * n_out + j);  // (1) integrate: each spike adds
            if (arrival[k + 1] == t)                               // its weight; others come at t
                continue;
            if (v > limit && fired == t_max) {  // (2) compare  (3) at most one spike
                fired = t + 1;                  // (4) one step later
                v_at_spike = v;
            }
            if (t <= t_max - 3)
                v_late = v;
        }
        if (!__syncthreads_or(is_neuron && fired == t_max))
            break;  // all have fired, and nobody fires twice
    }
    if (!is_neuron)
        return;
    const size_t place = (size_t)row * n_out + j;
    spike_times[place] = (short)fired;
    potential[place] = fired < t_max ? v_at_spike : v;
    excess[place] = (double)potential[place] - theta;
    late[place] = v_late;
}

// Errors of the output layer, for all images of a round; and from which of them to learn. Together:
// from all. Else from the first that has an error: those before it had none, so it has met the very
// weights that it would have met online; those after it are looked at again in the next round.
// One block; a thread takes one image at a time.
extern "C" __global__ void teach(int* state, int end, int ahead, int together, const int* which,
                                 const int* labels, const short* spike_times,
                                 const Sum* potential, const double* rate, int n_in, int n_out,
                                 int gamma, int teach_silent, int t_max, double* delta,
                                 Number* step, double* slope)
{
    __shared__ int first_wrong, wrong;
    const int began = state[NEXT];
    const int n = state[FAILED] >= 0 ? 0 : min(ahead, end - began);
    if (threadIdx.x == 0) {
        first_wrong = n;
        wrong = 0;
    }
    __syncthreads();
    for (int b = threadIdx.x; b < n; b += blockDim.x) {
        const size_t row = began + b;
        const short* t = spike_times + row * n_out;
        double* d = delta + (size_t)b * n_out;
        const int label = labels[which[row]];
        // (2) targets and error of the output layer
        int first = t_max;
        for (int j = 0; j < n_out; ++j)
            first = min(first, (int)t[j]);
        bool has_error = false;
        for (int j = 0; j < n_out; ++j) {
            int target = t[j];
            if (first == t_max)
                target = teach_silent && j == label ? t_max - gamma : t_max;
            else if (j == label)
                target = first;
            else if (t[j] - first < gamma)
                target = min(first + gamma, t_max);
            d[j] = (double)(target - t[j]) / t_max;
            has_error |= target != t[j];
        }
        if (has_error) {
            atomicAdd(&wrong, 1);
            atomicMin(&first_wrong, b);
        }
        // (3) normalise
        const double length = length_of(d, n_out);
        for (int j = 0; j < n_out; ++j) {
            if (length > 0)
                d[j] /= length;
            step[(size_t)b * n_out + j] = (Number)(rate[row] * d[j]);
        }
        slope[b] = slope_of(d, potential + row * n_out, n_in, n_out);
    }
    __syncthreads();
    if (threadIdx.x == 0) {
        const int learns = wrong > 0;
        const int seen = together || !learns ? n : first_wrong + 1;
        state[BEGAN] = began;
        state[NEXT] = began + max(seen, 0);
        state[TO] = learns * seen;
        state[FROM] = together ? 0 : state[TO] - learns;
        state[UPDATES] += together ? wrong : learns;
    }
}

// Move the weights of one layer, and write their signs anew. One thread per weight; the 32 of a
// warp make one word of signs.
extern "C" __global__ void update(int* state, int layer, const int* which, const short* times_in,
                                  const short* times_out, const Number* step, const double* slope,
                                  int n_in, int n_out, double scale_rate, Number* latent,
                                  unsigned* signs, double* scale, unsigned long long* flips)
{
    const int began = state[BEGAN], from = state[FROM], to = state[TO];
    if (from == to || state[FAILED] > layer)
        return;
    const unsigned place = blockIdx.x * blockDim.x + threadIdx.x;
    const bool is_weight = place < (unsigned)n_in * n_out;
    Number w = -1;
    if (is_weight) {
        const unsigned i = place / n_out, j = place % n_out;
        // (4) update this layer: by the sum over the images, in their order
        Number move = 0;
        for (int b = from; b < to; ++b) {
            const size_t row = began + b, image = which[row];
            if (times_in[image * n_in + i] < times_out[row * n_out + j])
                move += step[(size_t)b * n_out + j];
        }
        w = latent[place] - move;
        latent[place] = w;
    }
#ifdef ONE_BIT
    const unsigned word = __ballot_sync(0xffffffffu, !(w < 0));  // the sign of 0 is +1
    if (is_weight && threadIdx.x % 32 == 0) {
        atomicAdd(flips, (unsigned long long)__popc(word ^ signs[place / 32]));
        signs[place / 32] = word;
    }
    if (place == 0) {
        double total = 0;
        for (int b = from; b < to; ++b)
            total += slope[b];
        scale[0] -= scale_rate * (total / (to - from));
        if (!(scale[0] > 0))
            state[FAILED] = layer;
    }
#endif
}

// Pass the deltas of a layer to the one before it. A block is one image; a thread takes one neuron
// h of the earlier layer at a time.
extern "C" __global__ void pass_back(const int* state, const short* times, const short* times_after,
                                     const Number* latent_after, const double* delta_after,
                                     const Sum* potential, const double* rate, int n_in,
                                     int n_out, int n_after, double* delta, Number* step,
                                     double* slope)
{
    __shared__ double length;
    const int b = state[FROM] + blockIdx.x;
    if (b >= state[TO] || state[FAILED] >= 0)
        return;
    const size_t row = state[BEGAN] + b;
    const short* t_after = times_after + row * n_after;
    const double* d_after = delta_after + (size_t)b * n_after;
    double* d = delta + (size_t)b * n_out;
    // (5) pass the deltas through the layer that was just updated
    for (int h = threadIdx.x; h < n_out; h += blockDim.x) {
        double total = 0;
        for (int k = 0; k < n_after; ++k)
            if (times[row * n_out + h] < t_after[k])
                total += d_after[k] * latent_after[(size_t)h * n_after + k];
        d[h] = total;
    }
    __syncthreads();
    // (3) normalise
    if (threadIdx.x == 0)
        length = length_of(d, n_out);
    __syncthreads();
    for (int h = threadIdx.x; h < n_out; h += blockDim.x) {
        if (length > 0)
            d[h] /= length;
        step[(size_t)b * n_out + h] = (Number)(rate[row] * d[h]);
    }
    __syncthreads();
    if (threadIdx.x == 0)
        slope[b] = slope_of(d, potential + row * n_out, n_in, n_out);
}

// (6) weight decay: w *= shrink. A negative weight stays negative, however small it gets.
extern "C" __global__ void decay(Number* latent, unsigned n, double shrink)
{
    const unsigned place = blockIdx.x * blockDim.x + threadIdx.x;
    if (place >= n)
        return;
    const Number old = latent[place], w = (Number)(old * shrink);
    latent[place] = old < 0 && w == 0 ? -SMALLEST : w;
}
