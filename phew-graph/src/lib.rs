//! Architectures, weights, masks and the path graph of neural networks.
