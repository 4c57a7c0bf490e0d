//! Pruning in the course of training.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use phew_baselines::methods;
use phew_graph::{Init, Mask, Network, TensorId, zoo};
use phew_train::{
    Dataset, MagnitudePruner, PrunedTraining, Pruner, Pruning, Recipe, Redraw, RedrawVariance,
    SampleSpec, ScoredPruner, TrainError, Trainer, digits,
};

/// Three epochs of ten steps.
struct Job {
    network: Network,
    data: Dataset,
    recipe: Recipe,
}

impl Job {
    fn new() -> Self {
        tch::set_num_threads(1);
        let arch = zoo::by_name("mlp-bn-784-16-10").unwrap().build().unwrap();
        Self {
            network: Network::initialise(arch, Init::default(), 0).unwrap(),
            data: digits(500, 100, 0).unwrap(),
            recipe: Recipe { batch: 50, ..Recipe::preset("digits").unwrap() }.with_epochs(3),
        }
    }

    fn trainer(&self) -> Trainer {
        Trainer::builder(&self.network, &self.data, &self.recipe).build().unwrap()
    }

    fn run(&self, pruning: &Pruning, pruner: &dyn Pruner) -> (PrunedTraining, Vec<(u64, u64)>) {
        let mut training = PrunedTraining::new(self.trainer(), pruning).unwrap();
        let records = training.run(pruner, &mut ()).unwrap();
        let epochs = records.iter().map(|record| (record.phase, record.epoch)).collect();
        (training, epochs)
    }
}

/// Keeps what it is told to by another, and what it was asked and saw.
struct Spy(std::cell::RefCell<Vec<(f64, Mask, Network)>>);

impl Pruner for Spy {
    fn info(&self) -> phew_train::PrunerInfo {
        MagnitudePruner.info()
    }

    fn prune(&self, network: &Network, mask: &Mask, density: f64) -> Result<Mask, TrainError> {
        let kept = MagnitudePruner.prune(network, mask, density)?;
        self.0.borrow_mut().push((density, kept.clone(), network.clone()));
        Ok(kept)
    }
}

fn spy() -> Spy {
    Spy(std::cell::RefCell::default())
}

/// Weights of both, as bits, must agree where the mask keeps, and the second be 0 elsewhere.
fn same_where_kept(whole: &Network, pruned: &Network, mask: &Mask) {
    for ((whole, pruned), layer) in whole.weights().iter().zip(pruned.weights()).zip(mask.layers())
    {
        for i in 0..layer.len() {
            let wanted = if layer.get(i) { whole[i] } else { 0.0 };
            assert_eq!(pruned[i].to_bits(), wanted.to_bits());
        }
    }
}

#[test]
fn a_ticket_has_the_early_weights_where_it_is_kept_and_nested_masks() {
    let job = Job::new();
    let mut early = job.trainer();
    early.to_step(7).unwrap();
    let early = early.network().unwrap();
    // The second pruning rewinds to the end, so that the ticket can be looked at before it is trained.
    let rewind =
        |densities: Vec<f64>, step| Pruning::Rewind { step: Some(step), densities, redraw: None };
    let spy = spy();
    let mut training = PrunedTraining::new(job.trainer(), &rewind(vec![0.5, 0.2], 7)).unwrap();
    let go = std::sync::atomic::AtomicBool::new(false);
    // Advance by single events until the second pruning and one epoch more have passed.
    let mut steps = Vec::new();
    while spy.0.borrow().len() < 2 {
        training.advance(&spy, &mut (), &go).unwrap();
        steps.push(training.trainer().step());
    }
    assert_eq!(steps, [7, 10, 20, 30, 30, 10, 20, 30, 30]);
    {
        let seen = spy.0.borrow();
        let [(first, half, _), (second, fifth, trained)] = &seen[..] else {
            panic!("two prunings")
        };
        assert_eq!((first.to_bits(), second.to_bits()), (0.5_f64.to_bits(), 0.2_f64.to_bits()));
        assert!(fifth.is_subset(half).unwrap() && fifth.kept() == fifth.len() / 5);
        // The second choice was among weights that the first had left, trained from the early ones.
        same_where_kept(trained, trained, half);
        assert_ne!(trained.fingerprint(), early.fingerprint());
    }
    // The ticket itself: a trainer that is rewound by hand.
    let mut ticket = job.trainer();
    ticket.to_step(7).unwrap();
    let snapshot = ticket.snapshot().unwrap();
    ticket.to_step(30).unwrap();
    ticket.rewind(&snapshot).unwrap();
    ticket.prune(training.mask()).unwrap();
    same_where_kept(&early, &ticket.network().unwrap(), training.mask());
    let momentum = ticket.optimiser().moments()[0].abs().max().double_value(&[]);
    assert_eq!((momentum.to_bits(), ticket.optimiser().steps(), ticket.step()), (0, 0, 7));
    // From there both train to the same weights.
    training.run(&spy, &mut ()).unwrap();
    ticket.run(&mut ()).unwrap();
    let fingerprints = [training.trainer(), &ticket].map(|t| t.network().unwrap().fingerprint());
    assert_eq!(fingerprints[0], fingerprints[1]);
}

/// Prunes by magnitude, but keeps the first weight of a tensor again that was pruned before.
struct Reviver;

impl Pruner for Reviver {
    fn info(&self) -> phew_train::PrunerInfo {
        phew_train::PrunerInfo { method: "reviver".to_owned(), ..MagnitudePruner.info() }
    }

    fn prune(&self, network: &Network, mask: &Mask, density: f64) -> Result<Mask, TrainError> {
        let mut kept = MagnitudePruner.prune(network, mask, density)?;
        let revived = pruned_first(mask);
        let layer = kept.layer_mut(TensorId::new(1));
        revived.into_iter().for_each(|index| assert!(layer.insert(index)));
        Ok(kept)
    }
}

/// The first weight of the second tensor that a mask prunes.
fn pruned_first(mask: &Mask) -> Option<usize> {
    let layer = mask.layer(TensorId::new(1));
    (0..layer.len()).find(|&index| !layer.get(index))
}

#[test]
fn a_pruner_that_keeps_a_pruned_weight_is_refused() {
    let job = Job::new();
    let rewind = Pruning::Rewind { step: Some(7), densities: vec![0.5, 0.2], redraw: None };
    let mut training = PrunedTraining::new(job.trainer(), &rewind).unwrap();
    let error = training.run(&Reviver, &mut ()).unwrap_err();
    // The first pruning stands, the second changed nothing.
    assert_eq!((training.phase(), training.mask().kept()), (1, training.mask().len() / 2));
    let wanted = pruned_first(training.mask()).unwrap();
    let TrainError::NotNested { pruning, step, method, tensor, index } = &error else {
        panic!("{error}")
    };
    assert_eq!((*pruning, *step, &method[..], &tensor[..]), (2, 30, "reviver", "fc2.weight"));
    assert_eq!(*index, wanted);
    let message = format!(
        "pruning 2, at step 30, by `reviver`: weight {wanted} of `fc2.weight` is kept, which was pruned before"
    );
    assert_eq!(error.to_string(), message);
}

#[test]
fn gradual_pruning_keeps_what_was_learnt() {
    let job = Job::new();
    let spy = spy();
    let (training, epochs) =
        job.run(&Pruning::Gradual { rounds: 4, density: 0.3, trained: false }, &spy);
    let fine_tuned = [(1, 4), (2, 5), (3, 6), (4, 7)];
    assert_eq!(epochs[..3], [(0, 1), (0, 2), (0, 3)]);
    assert_eq!(epochs[3..7], fine_tuned);
    assert_eq!(epochs[7..], [(4, 1), (4, 2), (4, 3)]);
    let network = training.trainer().network().unwrap();
    let alive: usize =
        network.weights().iter().map(|w| w.iter().filter(|&&w| w != 0.0).count()).sum();
    assert_eq!(alive, training.mask().kept());
    let seen = spy.0.borrow();
    let densities: Vec<f64> = seen.iter().map(|(density, ..)| *density).collect();
    assert_eq!(densities, Pruning::Gradual { rounds: 4, density: 0.3, trained: false }.densities());
    // What the last pruning chose among was trained already: its loss is far below that of the initial weights.
    let loss = |network: &Network, mask: &Mask| {
        Trainer::builder(network, &job.data, &job.recipe)
            .mask(mask)
            .build()
            .unwrap()
            .evaluate()
            .unwrap()
            .loss
    };
    let (_, mask, trained) = &seen[3];
    let (learnt, unlearnt) = (loss(trained, mask), loss(&job.network, mask));
    assert!(learnt < 0.85 * unlearnt, "{learnt} {unlearnt}");
}

#[test]
fn gradual_pruning_of_a_trained_network_begins_where_the_whole_begins_to_prune() {
    let job = Job::new();
    let gradual = |trained| Pruning::Gradual { rounds: 2, density: 0.3, trained };
    let whole = spy();
    job.run(&gradual(false), &whole);
    let mut dense = job.trainer();
    dense.run(&mut ()).unwrap();
    let trained = Job { network: dense.network().unwrap(), ..Job::new() };
    let rest = spy();
    let (_, epochs) = trained.run(&gradual(true), &rest);
    assert_eq!(epochs, [(1, 4), (2, 5), (2, 1), (2, 2), (2, 3)]);
    let first = |spy: &Spy| spy.0.borrow()[0].2.fingerprint();
    assert_eq!(first(&rest), first(&whole));
}

#[test]
fn one_shot_pruning_after_training_trains_again_from_the_trained_weights() {
    let job = Job::new();
    let spy = spy();
    let (training, epochs) = job.run(&Pruning::After { density: 0.25 }, &spy);
    assert_eq!(epochs, [(0, 1), (0, 2), (0, 3), (1, 1), (1, 2), (1, 3)]);
    let mut dense = job.trainer();
    dense.run(&mut ()).unwrap();
    assert_eq!(spy.0.borrow()[0].2.fingerprint(), dense.network().unwrap().fingerprint());
    assert!((training.mask().density() - 0.25).abs() < 1e-4);
    let accuracy = |trainer: &Trainer| trainer.evaluate().unwrap().top1.unwrap();
    assert!(accuracy(training.trainer()) >= accuracy(&dense) - 0.05);
}

#[test]
fn pruning_at_a_step_can_begin_the_recipe_again_from_the_weights_of_that_step() {
    let job = Job::new();
    let fingerprint = |trainer: &Trainer| trainer.network().unwrap().fingerprint();
    let restart = |step| Pruning::Restart { step, density: 0.2 };
    let (training, epochs) = job.run(&restart(13), &MagnitudePruner);
    assert_eq!(epochs, [(0, 1), (1, 1), (1, 2), (1, 3)]);
    let mut by_hand = job.trainer();
    by_hand.to_step(13).unwrap();
    let network = by_hand.network().unwrap();
    let mask = MagnitudePruner.prune(&network, &Mask::dense(network.arch()), 0.2).unwrap();
    let mut again = Trainer::builder(&network, &job.data, &job.recipe).mask(&mask).build().unwrap();
    again.run(&mut ()).unwrap();
    assert_eq!(fingerprint(training.trainer()), fingerprint(&again));
    // What is left of the schedule gives other weights.
    let (goes_on, _) = job.run(&Pruning::At { step: 13, density: 0.2 }, &MagnitudePruner);
    assert_eq!(goes_on.mask(), training.mask());
    assert_ne!(fingerprint(goes_on.trainer()), fingerprint(&again));
    // At step 0 it is pruning before training.
    let (first, epochs) = job.run(&restart(0), &MagnitudePruner);
    assert_eq!(epochs, [(1, 1), (1, 2), (1, 3)]);
    let mask = MagnitudePruner.prune(&job.network, &Mask::dense(job.network.arch()), 0.2).unwrap();
    let before = Trainer::builder(&job.network, &job.data, &job.recipe).mask(&mask);
    let mut before = before.build().unwrap();
    before.run(&mut ()).unwrap();
    assert_eq!(fingerprint(first.trainer()), fingerprint(&before));
}

#[test]
fn pruning_during_training_takes_no_more_steps_than_the_recipe() {
    let job = Job::new();
    let spy = spy();
    let during = Pruning::During { rounds: 4, density: 0.2 };
    let (training, epochs) = job.run(&during, &spy);
    // Of 30 steps prunings follow 3, 7, 11 and 15; an epoch's record is of the phase that it ends in.
    assert_eq!(epochs, [(2, 1), (4, 2), (4, 3)]);
    let seen = spy.0.borrow();
    let densities: Vec<f64> = seen.iter().map(|(density, ..)| *density).collect();
    assert_eq!(densities, during.densities());
    let mut by_hand = job.trainer();
    for (step, (_, mask, network)) in [3, 7, 11, 15].into_iter().zip(seen.iter()) {
        by_hand.to_step(step).unwrap();
        assert_eq!(by_hand.network().unwrap().fingerprint(), network.fingerprint());
        by_hand.prune(mask).unwrap();
    }
    by_hand.run(&mut ()).unwrap();
    let fingerprints = [training.trainer(), &by_hand].map(|t| t.network().unwrap().fingerprint());
    assert_eq!(fingerprints[0], fingerprints[1]);
    assert_eq!(training.mask().kept(), training.mask().len() / 5);
}

#[test]
fn any_scorer_prunes_at_any_step_by_the_network_of_that_step() {
    let job = Job::new();
    let samples = SampleSpec { per_class: 5, ..SampleSpec::default() };
    for method in ["snip", "grasp", "synflow", "random", "magnitude"] {
        let method = *methods().find(method).unwrap();
        let pruner = ScoredPruner::builder(method, &job.data).seed(1).samples(samples);
        let pruner = pruner.build().unwrap();
        let method = method.name;
        let (training, epochs) = job.run(&Pruning::At { step: 13, density: 0.2 }, &pruner);
        // The pruning falls into the second epoch, whose record is of the phase that it ends in.
        assert_eq!(epochs, [(0, 1), (1, 2), (1, 3)], "{method}");
        let mut by_hand = job.trainer();
        by_hand.to_step(13).unwrap();
        let network = by_hand.network().unwrap();
        let mask = pruner.prune(&network, &Mask::dense(network.arch()), 0.2).unwrap();
        assert_eq!((mask.kept(), &mask), (mask.len() / 5, training.mask()), "{method}");
        by_hand.prune(&mask).unwrap();
        by_hand.run(&mut ()).unwrap();
        let fingerprints =
            [training.trainer(), &by_hand].map(|t| t.network().unwrap().fingerprint());
        assert_eq!(fingerprints[0], fingerprints[1], "{method}");
    }
}

#[test]
fn redrawn_weights_take_the_place_of_the_last_rewinding() {
    let job = Job::new();
    let train = |variance, seed| {
        let redraw = Some(Redraw { variance, seed });
        let pruning = Pruning::Rewind { step: Some(0), densities: vec![0.1], redraw };
        let mut training = PrunedTraining::new(job.trainer(), &pruning).unwrap();
        let go = std::sync::atomic::AtomicBool::new(true);
        // With `stop` set nothing is trained beyond what is asked for: the first advance remembers.
        training.advance(&MagnitudePruner, &mut (), &go).unwrap();
        let records = training.run(&MagnitudePruner, &mut ()).unwrap();
        (training, records)
    };
    let (dense, records) = train(RedrawVariance::Dense, 5);
    assert_eq!(records.len(), 6);
    let (sparse, _) = train(RedrawVariance::NeuronwiseSparse, 5);
    let (other, _) = train(RedrawVariance::Dense, 6);
    assert_eq!(dense.mask(), sparse.mask());
    let first = |training: &PrunedTraining| training.trainer().network().unwrap().fingerprint();
    assert_ne!(first(&dense), first(&sparse));
    assert_ne!(first(&dense), first(&other));
    assert!(dense.trainer().evaluate().unwrap().top1.unwrap() > 0.3);
}
