"""minibs4nn."""
from minibs4nn.coding import decode, latency_code, rank_order_code, to_raster
from minibs4nn.forward import decide, layer_spike_times, network_spike_times, potential_at, published_correct, silent
from minibs4nn.neuron import Trace, simulate_neuron
