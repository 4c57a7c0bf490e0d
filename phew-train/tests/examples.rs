//! The examples run.

#[path = "../examples/own_data.rs"]
mod own_data;
#[path = "../examples/tangent_kernel.rs"]
mod tangent_kernel;

#[test]
fn a_masked_network_is_trained_on_an_own_data_set() {
    own_data::main().unwrap();
}

#[test]
fn the_tangent_kernel_is_an_array() {
    tangent_kernel::main().unwrap();
}
