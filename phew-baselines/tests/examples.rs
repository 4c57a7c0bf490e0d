//! The programs of `examples/`, run.

#[path = "../examples/own_allocation.rs"]
mod own_allocation;
#[path = "../examples/own_scorer.rs"]
mod own_scorer;

type Outcome = Result<(), Box<dyn std::error::Error>>;

#[test]
fn a_scorer_of_ones_own_stands_in_the_table() -> Outcome {
    Ok(own_scorer::main()?)
}

#[test]
fn an_allocation_of_ones_own_gives_the_mask_made_by_hand() -> Outcome {
    own_allocation::main()
}
