//! The examples run.

#[path = "../examples/arrays.rs"]
mod arrays;
#[path = "../examples/own_architecture.rs"]
mod own_architecture;
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
