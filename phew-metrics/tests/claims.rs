//! What the claims come to, at the small scale.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use phew_graph::Choice;
use phew_metrics::{Claim, ClaimParams, ClaimReport, Scale, Verdict, verify};
use phew_walk::Bias;

fn report(claim: Claim) -> ClaimReport {
    verify(claim, &ClaimParams::new(Scale::Small).seed(1)).unwrap()
}

/// Of several seeds: what is said of a claim does not hang on one draw.
fn reports(claim: Claim) -> impl Iterator<Item = ClaimReport> {
    (0..12).map(move |seed| verify(claim, &ClaimParams::new(Scale::Small).seed(seed)).unwrap())
}

#[test]
fn lemma_1_is_exact_for_equal_weights_and_approximate_for_normal_ones() {
    for report in reports(Claim::Lemma1) {
        assert_eq!(report.verdict, Verdict::Approximate);
        assert!(report.checks[..2].iter().all(|c| c.verdict == Verdict::Holds));
    }
}

#[test]
fn lemma_2_holds_for_two_hidden_layers_and_fails_for_three() {
    let report = report(Claim::Lemma2);
    assert_eq!(report.verdict, Verdict::Fails);
    assert!(report.checks[..2].iter().all(|c| c.verdict == Verdict::Holds));
    let known = &report.checks.iter().find(|c| c.setting.contains("m = 1,000")).unwrap();
    assert!(known.expected.contains("4913") && known.found.contains("[25, 10, 25]: 6250"));
    assert!(report.checks[report.checks.len() - 2..].iter().all(|c| c.verdict == Verdict::Holds));
}

#[test]
fn lemma_3_is_approximate_and_the_sampler_follows_the_exact_law() {
    for report in reports(Claim::Lemma3) {
        assert_eq!(report.verdict, Verdict::Approximate);
        assert_eq!(report.checks.last().unwrap().verdict, Verdict::Holds);
    }
}

#[test]
fn lemma_4_is_approximate() {
    assert!(reports(Claim::Lemma4).all(|r| r.verdict == Verdict::Approximate));
}

#[test]
fn theorem_1_holds_for_the_sums_and_fails_index_by_index() {
    for report in reports(Claim::Theorem1) {
        assert_eq!(report.verdict, Verdict::Fails);
        for check in &report.checks {
            let fails = check.expected.starts_with("λ_");
            assert!(fails || check.verdict == Verdict::Holds, "{check:?}");
        }
        assert_eq!(report.checks.last().unwrap().verdict, Verdict::Fails);
    }
}

#[test]
fn stub_units_follow_the_formula_and_phew_makes_none() {
    for report in reports(Claim::Stubs) {
        assert_ne!(report.verdict, Verdict::Fails, "{report:?}");
        assert_eq!(report.checks.last().unwrap().verdict, Verdict::Holds);
    }
}

#[test]
fn gradients_along_the_path_alone_follow_the_product_and_those_of_the_weights_do_not_always() {
    for report in reports(Claim::Gradients) {
        assert_ne!(report.verdict, Verdict::Holds);
        let alone = report.checks.iter().filter(|c| c.setting.contains("along the path alone"));
        let (correlation, pairs): (Vec<_>, Vec<_>) =
            alone.partition(|c| c.setting.contains("correlation"));
        assert!(pairs.iter().all(|c| c.verdict == Verdict::Approximate), "{pairs:?}");
        assert!(correlation.iter().all(|c| c.verdict == Verdict::Holds), "{correlation:?}");
    }
}

#[test]
fn claims_that_speak_of_walks_are_checked_for_walks_of_any_bias() {
    let of = |claim, bias| verify(claim, &ClaimParams::new(Scale::Small).bias(bias)).unwrap();
    for &bias in Bias::ALL {
        for claim in [Claim::Lemma3, Claim::Stubs] {
            let report = of(claim, bias);
            // The sampler's own walks against the exact law; no stub unit in its masks.
            let sampled = report.checks.last().unwrap();
            assert_eq!(sampled.verdict, Verdict::Holds, "{claim}, {bias}: {sampled:?}");
            assert_eq!(serde_json::to_value(&report).unwrap()["bias"], bias.name());
        }
    }
    // Uniform walks visit all units alike and are worth what uniform walks are worth, at any width.
    for claim in [Claim::Lemma3, Claim::Lemma4] {
        let report = of(claim, Bias::Uniform);
        assert_eq!(report.verdict, Verdict::Holds);
        assert!(report.checks.iter().all(|c| c.verdict == Verdict::Holds), "{report:?}");
    }
    let bounded = of(Claim::Theorem1, Bias::Uniform);
    assert!(
        bounded.bias.is_none() && serde_json::to_value(&bounded).unwrap().get("bias").is_none()
    );
}

#[test]
fn reports_are_the_same_on_any_number_of_threads_and_serialise() {
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| report(Claim::Stubs))
    };
    let one = on(1);
    assert_eq!(one, on(3));
    let json = serde_json::to_value(&one).unwrap();
    assert_eq!(json["claim"], "stubs");
    assert_eq!(json["checks"].as_array().unwrap().len(), one.checks.len());
}

#[test]
fn claims_and_scales_parse_their_names() {
    for &claim in Claim::ALL {
        assert_eq!(claim.name().parse::<Claim>().unwrap(), claim);
    }
    assert!("lemma5".parse::<Claim>().is_err());
    assert_eq!("paper".parse::<Scale>().unwrap(), Scale::Paper);
    assert!("huge".parse::<Scale>().is_err());
}
