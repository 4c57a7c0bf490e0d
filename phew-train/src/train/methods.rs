//! Methods that prune by what training did: one shot after training, rewinding, iterative, gradual.
//!
//! Each drives a [`Trainer`] and leaves it pruned and ready for its last training. What to keep is the caller's to
//! choose, from the weights as they are, by any score.

use std::sync::atomic::AtomicBool;

use phew_graph::{Mask, Network};

use super::trainer::{Observer, Trainer};
use crate::error::{Result, TrainError};

/// Chooses what to keep: from the network with its weights as trained, the mask so far and a density.
pub type Choose<'a> = dyn FnMut(&Network, &Mask, f64) -> Result<Mask> + 'a;

/// Lottery-ticket rewinding: trains to `rewind_step`, then for each density trains to the end, prunes, and goes back to
/// the weights of `rewind_step`.
///
/// With one density it is magnitude pruning with rewinding as Frankle et al. (2021) compare it; with several, each
/// smaller than the last, iterative magnitude pruning; with `rewind_step` 0 it goes back to the initial weights. The
/// trainer is left at `rewind_step`, pruned, with a fresh optimiser: [`Trainer::run`] trains the ticket.
///
/// # Errors
/// [`TrainError::Parameter`] if the densities do not fall within `(0, 1]` or the rewinding lies beyond the recipe's end;
/// what training and `choose` run into.
pub fn lottery_ticket(
    trainer: &mut Trainer,
    rewind_step: u64,
    densities: &[f64],
    choose: &mut Choose<'_>,
    observer: &mut dyn Observer,
) -> Result<Mask> {
    check_falling(densities)?;
    let end = trainer.recipe().epochs * trainer.steps_per_epoch();
    if rewind_step > end || rewind_step < trainer.step() {
        return Err(TrainError::Parameter {
            what: "rewind_step",
            found: rewind_step.to_string(),
            expected: format!("between {} and {end}, the recipe's last step", trainer.step()),
        });
    }
    let go = AtomicBool::new(false);
    trainer.to_step(rewind_step, observer, &go)?;
    let early = trainer.snapshot()?;
    let mut mask = Mask::dense(trainer.model().arch());
    for &density in densities {
        trainer.to_step(end, observer, &go)?;
        mask = choose(&trainer.network()?, &mask, density)?;
        trainer.rewind(&early)?;
        trainer.prune(&mask)?;
    }
    Ok(mask)
}

/// Magnitude pruning after training, gradually, as the PHEW paper's upper bound (001, D.2): trains to the end, then
/// `rounds` times prunes a little more and trains one epoch at the recipe's last rate.
///
/// The density of round `i` follows Zhu & Gupta (2017): `1 − (1 − density)(1 − (1 − i/rounds)³)`. With one round it is
/// one-shot pruning and an epoch of fine-tuning. The weights are not reverted: the trainer is left pruned, at step 0
/// of its recipe with a fresh optimiser, and [`Trainer::run`] trains the sparse network fully once again.
///
/// # Errors
/// [`TrainError::Parameter`] if the density is outside of `(0, 1]` or there is no round; what training and `choose` run
/// into.
pub fn gradual(
    trainer: &mut Trainer,
    rounds: u32,
    density: f64,
    choose: &mut Choose<'_>,
    observer: &mut dyn Observer,
) -> Result<Mask> {
    let densities: Vec<f64> =
        (1..=rounds).map(|round| gradual_density(density, round, rounds)).collect();
    check_falling(&densities)?;
    let epochs = trainer.recipe().epochs;
    let end = epochs * trainer.steps_per_epoch();
    trainer.to_step(end, observer, &AtomicBool::new(false))?;
    let last_rate = trainer.recipe().schedule.at(end - 1, trainer.steps_per_epoch(), epochs);
    let mut mask = Mask::dense(trainer.model().arch());
    for density in densities {
        mask = choose(&trainer.network()?, &mask, density)?;
        trainer.prune(&mask)?;
        trainer.fine_tune(1, last_rate)?;
    }
    trainer.restart()?;
    Ok(mask)
}

/// Zhu & Gupta 2017, equation 1, in terms of densities.
fn gradual_density(density: f64, round: u32, rounds: u32) -> f64 {
    let left = 1.0 - f64::from(round) / f64::from(rounds);
    density + (1.0 - density) * left.powi(3)
}

fn check_falling(densities: &[f64]) -> Result<()> {
    let fits = |d: &f64| *d > 0.0 && *d <= 1.0;
    if !densities.is_empty() && densities.iter().all(fits) && densities.is_sorted_by(|a, b| a >= b)
    {
        return Ok(());
    }
    Err(TrainError::Parameter {
        what: "densities",
        found: format!("{densities:?}"),
        expected: "one or more, above 0 and up to 1, none greater than the one before".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use phew_graph::{Init, LayerMask, zoo};

    use super::*;
    use crate::{Device, Recipe, digits};

    fn trainer() -> (Network, Trainer) {
        tch::set_num_threads(1);
        let arch = zoo::by_name("mlp-bn-784-16-10").unwrap().build().unwrap();
        let network = Network::initialise(arch, Init::default(), 0).unwrap();
        let recipe = Recipe { batch: 50, ..Recipe::preset("digits").unwrap() }.with_epochs(3);
        let data = digits(500, 100, 0).unwrap();
        let trainer = Trainer::new(&network, None, &data, &recipe, 0, Device::CPU).unwrap();
        (network, trainer)
    }

    /// The greatest magnitudes of what is left, over all layers.
    fn by_magnitude(network: &Network, mask: &Mask, density: f64) -> Result<Mask> {
        let weights = network.weights();
        let kept =
            |t: usize, i: usize| if mask.layer(t).get(i) { weights[t][i].abs() } else { -1.0 };
        let mut all: Vec<f32> = (0..weights.len())
            .flat_map(|t| (0..weights[t].len()).map(move |i| (t, i)))
            .map(|(t, i)| kept(t, i))
            .collect();
        all.sort_by(|a, b| b.total_cmp(a));
        let least = all[(density * all.len() as f64) as usize - 1];
        let layers =
            network.arch().prunable().iter().enumerate().map(|(t, spec)| {
                LayerMask::from_fn(&spec.name, &spec.shape, |i| kept(t, i) >= least)
            });
        Ok(Mask::from_layers(layers.collect()))
    }

    #[test]
    fn a_ticket_has_the_early_weights_where_it_is_kept_and_nested_masks() {
        let (_, mut other) = trainer();
        other.to_step(7, &mut (), &AtomicBool::new(false)).unwrap();
        let early = other.model().prunable_values(other.model().learnt()).unwrap();
        let (_, mut trainer) = trainer();
        let mut masks = Vec::new();
        let mut choose = |network: &Network, mask: &Mask, density: f64| {
            let next = by_magnitude(network, mask, density)?;
            assert!(next.is_subset(mask).unwrap());
            masks.push(next.clone());
            Ok(next)
        };
        let mask = lottery_ticket(&mut trainer, 7, &[0.5, 0.2], &mut choose, &mut ()).unwrap();
        assert_eq!(masks.len(), 2);
        assert!((mask.density() - 0.2).abs() < 1e-3);
        assert_eq!(trainer.step(), 7);
        let now = trainer.model().prunable_values(trainer.model().learnt()).unwrap();
        for ((now, early), layer) in now.iter().zip(&early).zip(mask.layers()) {
            for i in 0..layer.len() {
                let wanted = if layer.get(i) { early[i] } else { 0.0 };
                assert_eq!(now[i].to_bits(), wanted.to_bits());
            }
        }
        let momentum = trainer.optimiser().buffers()[0].abs().max().double_value(&[]);
        assert_eq!((momentum.to_bits(), trainer.optimiser().steps()), (0, 0));
        let records = trainer.run(&mut ()).unwrap();
        assert_eq!((records.len(), trainer.step()), (3, 30));
        assert!(trainer.evaluate().unwrap().top1.unwrap() > 0.3);
    }

    #[test]
    fn gradual_densities_follow_the_cube() {
        // From 1 to 0.2 in 2 rounds: 0.2 + 0.8 / 8 = 0.3, then 0.2.
        assert!((gradual_density(0.2, 1, 2) - 0.3).abs() < 1e-12);
        assert!((gradual_density(0.2, 2, 2) - 0.2).abs() < 1e-12);
    }

    #[test]
    fn gradual_pruning_keeps_what_was_learnt() {
        let (initial, mut trainer) = trainer();
        let mut densities = Vec::new();
        let mut choose = |network: &Network, mask: &Mask, density: f64| {
            densities.push(density);
            by_magnitude(network, mask, density)
        };
        let mask = gradual(&mut trainer, 4, 0.3, &mut choose, &mut ()).unwrap();
        assert_eq!(densities.len(), 4);
        assert_eq!(trainer.step(), 0);
        // Already trained: far better than its initial weights under the same mask.
        let before = trainer.evaluate().unwrap().loss;
        let (_, mut fresh) = self::trainer();
        fresh.prune(&mask).unwrap();
        let unlearnt = fresh.evaluate().unwrap().loss;
        assert!(before < 0.85 * unlearnt, "{before} {unlearnt}");
        assert_ne!(trainer.network().unwrap().fingerprint(), initial.fingerprint());
        trainer.run(&mut ()).unwrap();
        let weights = trainer.network().unwrap();
        let alive: usize =
            weights.weights().iter().map(|w| w.iter().filter(|&&w| w != 0.0).count()).sum();
        assert_eq!(alive, mask.kept());
    }

    #[test]
    fn senseless_densities_and_steps_are_refused() {
        let (_, mut trainer) = trainer();
        let choose: &mut Choose<'_> = &mut |_, mask, _| Ok(mask.clone());
        for densities in [&[][..], &[0.5, 0.6], &[1.5], &[f64::NAN], &[0.0]] {
            assert!(lottery_ticket(&mut trainer, 0, densities, choose, &mut ()).is_err());
        }
        assert!(lottery_ticket(&mut trainer, 31, &[0.5], choose, &mut ()).is_err());
        assert!(gradual(&mut trainer, 0, 0.5, choose, &mut ()).is_err());
    }
}
