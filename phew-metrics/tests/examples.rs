//! The programs of `examples/`, run.

#[path = "../examples/claims.rs"]
mod claims;
#[path = "../examples/path_kernel_by_hand.rs"]
mod path_kernel_by_hand;
#[path = "../examples/spectrum.rs"]
mod spectrum;

type Outcome = Result<(), Box<dyn std::error::Error>>;

#[test]
fn claims_are_checked() -> Outcome {
    claims::main()
}

#[test]
fn the_path_kernel_is_the_one_worked_out_by_hand() -> Outcome {
    path_kernel_by_hand::main()
}

#[test]
fn the_spectrum_is_found() -> Outcome {
    spectrum::main()
}
