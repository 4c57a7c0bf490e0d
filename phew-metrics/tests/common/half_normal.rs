//! Expectations over normal weights at finite width, by quadrature.
//!
//! Let `x_1, …, x_N` be the magnitudes of independent N(0, 1) weights and S their sum. Since `1/S = ∫ e^(−tS) dt` and
//! `1/S² = ∫ t e^(−tS) dt`, what a walk expects of one step comes down to `g_k(t) = E[x^k e^(−tx)]`.

/// A point t with its weight in `∫ dt`, and `g_0(t), …, g_6(t)` there.
struct Point {
    t: f64,
    dt: f64,
    g: [f64; 7],
}

/// Trapezoids on logarithmic scales, which converge exponentially here: at this step the error is rounding.
const STEP: f64 = 0.1;

/// Magnitudes of N(0, 1) weights.
pub(crate) struct HalfNormal(Vec<Point>);

impl HalfNormal {
    pub(crate) fn new() -> Self {
        let grid = |from: i32, to: i32| (from..to).map(|i| (STEP * f64::from(i)).exp());
        let density = |x: f64| (-x * x / 2.0).exp() * std::f64::consts::FRAC_2_PI.sqrt();
        let xs: Vec<(f64, f64)> = grid(-450, 28).map(|x| (x, density(x) * x * STEP)).collect();
        let point = |t: f64| {
            let mut g = [0.0; 7];
            for &(x, dx) in &xs {
                let mut term = dx * (-t * x).exp();
                for g in &mut g {
                    *g += term;
                    term *= x;
                }
            }
            Point { t, dt: t * STEP, g }
        };
        Self(grid(-350, 400).map(point).collect())
    }

    fn integral(&self, f: impl Fn(f64, &[f64; 7]) -> f64) -> f64 {
        self.0.iter().map(|Point { t, dt, g }| f(*t, g) * dt).sum()
    }

    /// `E[Σ x^(1+a) / S]`: the mean of x^a over a step among n weights, with probability `Q = x/S`.
    pub(crate) fn step(&self, n: usize, a: usize) -> f64 {
        n as f64 * self.integral(|_, g| g[1 + a] * g[0].powi(n as i32 - 1))
    }

    /// `E[Σ_j Q_j² x_j^(a+b)]`: of two walks' steps from one unit, where both take the same weight.
    pub(crate) fn same(&self, n: usize, a: usize, b: usize) -> f64 {
        n as f64 * self.integral(|t, g| t * g[2 + a + b] * g[0].powi(n as i32 - 1))
    }

    /// `E[Σ_{i≠j} Q_i x_i^a Q_j x_j^b]`: where they part.
    pub(crate) fn parted(&self, n: usize, a: usize, b: usize) -> f64 {
        let pairs = n as f64 * (n as f64 - 1.0);
        pairs * self.integral(|t, g| t * g[1 + a] * g[1 + b] * g[0].powi(n as i32 - 2))
    }
}
