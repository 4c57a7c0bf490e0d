//! The examples run.

#[path = "../examples/arrays.rs"]
mod arrays;
#[path = "../examples/own_architecture.rs"]
mod own_architecture;
#[cfg(feature = "execute")]
#[path = "../examples/run_sparse.rs"]
mod run_sparse;
#[path = "../examples/state_dict.rs"]
mod state_dict;

#[test]
fn arrays_go_in_and_out() {
    arrays::main().unwrap();
}

#[test]
fn an_own_architecture_is_written_in_code() {
    own_architecture::main().unwrap();
}

#[test]
fn a_state_dict_is_read_masked_and_written() {
    state_dict::main().unwrap();
}

#[cfg(feature = "execute")]
#[test]
fn a_masked_network_is_run() {
    run_sparse::main().unwrap();
}
