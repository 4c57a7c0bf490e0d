//! An oracle worked out by hand for multilayer perceptrons with ReLU and no biases, in f64.

use phew_baselines::{BaselineError, HessianGradient, Oracle, Point, Power};
use phew_graph::{Arch, LayerMask, stream, stream_key};
use rand_chacha::rand_core::RngCore;

/// Weight matrices `[out, in]`, input side first.
type Matrices = Vec<Vec<f64>>;

/// Cross-entropy on one batch; the derivatives by a reverse pass, Hessian products by its derivative.
pub(crate) struct MlpOracle {
    widths: Vec<usize>,
    inputs: Vec<Vec<f64>>,
    classes: Vec<usize>,
}

/// What one input leaves behind: by layer, what goes in, and which units are active.
struct Trace {
    values: Vec<Vec<f64>>,
    gates: Vec<Vec<f64>>,
}

impl MlpOracle {
    pub(crate) fn new(arch: &Arch, inputs: &[f64], classes: &[usize]) -> Self {
        let specs = arch.prunable();
        let widths: Vec<usize> =
            specs.iter().map(|s| s.shape[1]).chain(specs.last().map(|s| s.shape[0])).collect();
        let inputs = inputs.chunks(widths[0]).map(<[f64]>::to_vec).collect();
        Self { widths, inputs, classes: classes.to_vec() }
    }

    /// A batch of `n` normal inputs with classes in turn.
    pub(crate) fn random(arch: &Arch, n: usize, seed: u64) -> Self {
        let mut oracle = Self::new(arch, &[], &[]);
        let outputs = oracle.widths[oracle.widths.len() - 1];
        oracle.inputs = normal(seed, n, oracle.widths[0]);
        oracle.classes = (0..n).map(|i| i % outputs).collect();
        oracle
    }

    fn effective(&self, weights: &[&[f32]], at: &Point<'_>, f: impl Fn(f64) -> f64) -> Matrices {
        let tensor = |(layer, w): (&LayerMask, &&[f32])| {
            let kept = |i: usize| layer.get(i);
            w.iter()
                .enumerate()
                .map(|(i, &w)| if kept(i) { f(f64::from(w)) } else { 0.0 })
                .collect()
        };
        at.mask.layers().iter().zip(weights).map(tensor).collect()
    }

    fn forward(&self, w: &Matrices, x: &[f64], gates: Option<&[Vec<f64>]>) -> Trace {
        let mut trace = Trace { values: vec![x.to_vec()], gates: Vec::new() };
        for (l, w) in w.iter().enumerate() {
            let x = &trace.values[l];
            let mut z: Vec<f64> = w.chunks(x.len()).map(|row| dot(row, x)).collect();
            if l + 2 < self.widths.len() {
                let gate = match gates {
                    Some(gates) => gates[l].clone(),
                    None => z.iter().map(|&z| if z > 0.0 { 1.0 } else { 0.0 }).collect(),
                };
                z.iter_mut().zip(&gate).for_each(|(z, g)| *z *= g);
                trace.gates.push(gate);
            }
            trace.values.push(z);
        }
        trace
    }

    /// Adds `∂/∂W` for one input, from the derivative by the outputs.
    fn backward(&self, w: &Matrices, trace: &Trace, ends: &[f64], total: &mut Matrices) {
        let mut delta = ends.to_vec();
        for l in (0..w.len()).rev() {
            let x = &trace.values[l];
            outer(&mut total[l], &delta, x);
            if l > 0 {
                delta = pull(&w[l], &delta, x.len());
                delta.iter_mut().zip(&trace.gates[l - 1]).for_each(|(d, g)| *d *= g);
            }
        }
    }

    fn zeros(&self) -> Matrices {
        self.widths.windows(2).map(|w| vec![0.0; w[0] * w[1]]).collect()
    }

    /// Mean loss of logits over a temperature.
    pub(crate) fn loss(&self, w: &Matrices, temperature: f64) -> f64 {
        let each = self.inputs.iter().zip(&self.classes).map(|(x, &class)| {
            let trace = self.forward(w, x, None);
            let logits: Vec<f64> = trace.values[w.len()].iter().map(|z| z / temperature).collect();
            -softmax(&logits)[class].ln()
        });
        each.sum::<f64>() / self.inputs.len() as f64
    }

    pub(crate) fn loss_gradient(&self, w: &Matrices, temperature: f64) -> Matrices {
        let mut total = self.zeros();
        for (x, &class) in self.inputs.iter().zip(&self.classes) {
            let trace = self.forward(w, x, None);
            let ends = self.ends(&trace.values[w.len()], class, temperature);
            self.backward(w, &trace, &ends, &mut total);
        }
        total
    }

    /// `(p − y) / (T n)`.
    fn ends(&self, logits: &[f64], class: usize, temperature: f64) -> Vec<f64> {
        let logits: Vec<f64> = logits.iter().map(|z| z / temperature).collect();
        let mut p = softmax(&logits);
        p[class] -= 1.0;
        let n = self.inputs.len() as f64;
        p.iter().map(|p| p / temperature / n).collect()
    }

    /// `H v`: the derivative of the reverse pass along `v`.
    pub(crate) fn hessian_product(&self, w: &Matrices, v: &Matrices, temperature: f64) -> Matrices {
        let mut total = self.zeros();
        let n = self.inputs.len() as f64;
        for (x, &class) in self.inputs.iter().zip(&self.classes) {
            let trace = self.forward(w, x, None);
            let mut moves = vec![vec![0.0; x.len()]];
            for l in 0..w.len() {
                let (a, da) = (&trace.values[l], &moves[l]);
                let rows = w[l].chunks(a.len()).zip(v[l].chunks(a.len()));
                let mut dz: Vec<f64> = rows.map(|(w, v)| dot(v, a) + dot(w, da)).collect();
                if let Some(gates) = trace.gates.get(l) {
                    dz.iter_mut().zip(gates).for_each(|(z, g)| *z *= g);
                }
                moves.push(dz);
            }
            let logits: Vec<f64> = trace.values[w.len()].iter().map(|z| z / temperature).collect();
            let (p, dz) = (softmax(&logits), &moves[w.len()]);
            let mean = dot(&p, dz);
            let mut delta = self.ends(&trace.values[w.len()], class, temperature);
            let mut change: Vec<f64> = p
                .iter()
                .zip(dz)
                .map(|(p, z)| p * (z - mean) / (temperature * temperature * n))
                .collect();
            for l in (0..w.len()).rev() {
                outer(&mut total[l], &change, &trace.values[l]);
                outer(&mut total[l], &delta, &moves[l]);
                if l > 0 {
                    let inputs = trace.values[l].len();
                    let (a, b) = (pull(&v[l], &delta, inputs), pull(&w[l], &change, inputs));
                    let gates = &trace.gates[l - 1];
                    change = a.iter().zip(&b).zip(gates).map(|((a, b), g)| (a + b) * g).collect();
                    delta = pull(&w[l], &delta, inputs);
                    delta.iter_mut().zip(gates).for_each(|(d, g)| *d *= g);
                }
            }
        }
        total
    }

    /// `Σ_x ‖f(x; w) − f(x; v)‖²` on the given inputs, with its derivatives by both.
    pub(crate) fn gap(
        &self,
        w: &Matrices,
        v: &Matrices,
        inputs: &[Vec<f64>],
    ) -> (f64, Matrices, Matrices) {
        let (mut sum, mut by_w, mut by_v) = (0.0, self.zeros(), self.zeros());
        for x in inputs {
            let (a, b) = (self.forward(w, x, None), self.forward(v, x, None));
            let ends = a.values[w.len()].iter().zip(&b.values[w.len()]);
            let ends: Vec<f64> = ends.map(|(a, b)| 2.0 * (a - b)).collect();
            sum += dot(&ends, &ends) / 4.0;
            self.backward(w, &a, &ends, &mut by_w);
            let ends: Vec<f64> = ends.iter().map(|e| -e).collect();
            self.backward(v, &b, &ends, &mut by_v);
        }
        (sum, by_w, by_v)
    }

    /// The inputs of a numbered draw.
    pub(crate) fn drawn(&self, draw: u64) -> Vec<Vec<f64>> {
        normal(1000 + draw, 8, self.widths[0])
    }
}

impl Oracle for MlpOracle {
    fn gradient(&mut self, at: &Point<'_>) -> Result<Vec<Vec<f32>>, BaselineError> {
        Ok(single(&self.loss_gradient(&self.effective(at.weights, at, |w| w), 1.0)))
    }

    fn hessian_gradient(
        &mut self,
        at: &Point<'_>,
        how: HessianGradient,
    ) -> Result<Vec<Vec<f32>>, BaselineError> {
        let w = self.effective(at.weights, at, |w| w);
        let mut g = self.loss_gradient(&w, how.temperature.get());
        for (layer, g) in at.mask.layers().iter().zip(&mut g) {
            let kept = |i: usize| layer.get(i);
            g.iter_mut().enumerate().filter(|(i, _)| !kept(*i)).for_each(|(_, g)| *g = 0.0);
        }
        Ok(single(&self.hessian_product(&w, &g, how.temperature.get())))
    }

    fn perturbation(
        &mut self,
        at: &Point<'_>,
        perturbed: &[&[f32]],
        draw: u64,
    ) -> Result<Vec<Vec<f32>>, BaselineError> {
        let (w, v) = (self.effective(at.weights, at, |w| w), self.effective(perturbed, at, |w| w));
        let (_, by_w, by_v) = self.gap(&w, &v, &self.drawn(draw));
        // By the mask's entries: the chain rule multiplies by the weights before masking.
        let tensor = |t: usize| {
            let scalar = |i: usize| {
                by_w[t][i] * f64::from(at.weights[t][i]) + by_v[t][i] * f64::from(perturbed[t][i])
            };
            (0..by_w[t].len()).map(scalar).collect::<Vec<f64>>()
        };
        Ok(single(&(0..w.len()).map(tensor).collect()))
    }

    fn path_activation(&mut self, at: &Point<'_>) -> Result<Vec<f64>, BaselineError> {
        let (w, ones) =
            (self.effective(at.weights, at, |w| w), self.effective(at.weights, at, |_| 1.0));
        let mut total = vec![0.0; self.widths[self.widths.len() - 1]];
        for x in &self.inputs {
            let gates = self.forward(&w, x, None).gates;
            let squares: Vec<f64> = x.iter().map(|x| x * x).collect();
            let trace = self.forward(&ones, &squares, Some(&gates));
            total.iter_mut().zip(&trace.values[w.len()]).for_each(|(t, a)| *t += a);
        }
        Ok(total)
    }

    fn ones_pass(&mut self, at: &Point<'_>, power: Power) -> Result<Vec<Vec<f64>>, BaselineError> {
        let f = |w: f64| if power == Power::Abs { w.abs() } else { w * w };
        let w = self.effective(at.weights, at, f);
        let trace = self.forward(&w, &vec![1.0; self.widths[0]], None);
        let mut total = self.zeros();
        self.backward(&w, &trace, &vec![1.0; self.widths[w.len()]], &mut total);
        Ok(total)
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn outer(total: &mut [f64], rows: &[f64], columns: &[f64]) {
    for (row, r) in total.chunks_mut(columns.len()).zip(rows) {
        row.iter_mut().zip(columns).for_each(|(t, c)| *t += r * c);
    }
}

fn pull(w: &[f64], delta: &[f64], inputs: usize) -> Vec<f64> {
    let mut back = vec![0.0; inputs];
    for (row, d) in w.chunks(inputs).zip(delta) {
        back.iter_mut().zip(row).for_each(|(b, w)| *b += w * d);
    }
    back
}

fn softmax(z: &[f64]) -> Vec<f64> {
    let greatest = z.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let e: Vec<f64> = z.iter().map(|z| (z - greatest).exp()).collect();
    let sum: f64 = e.iter().sum();
    e.iter().map(|e| e / sum).collect()
}

fn single(m: &Matrices) -> Vec<Vec<f32>> {
    m.iter().map(|t| t.iter().map(|&x| x as f32).collect()).collect()
}

/// `n` vectors of normal numbers, by the sum of twelve uniform ones.
fn normal(seed: u64, n: usize, width: usize) -> Vec<Vec<f64>> {
    let mut rng = stream(stream_key("phew 1 test inputs", seed), 0);
    let mut one = || (0..12).map(|_| f64::from(rng.next_u32()) * 2f64.powi(-32)).sum::<f64>() - 6.0;
    (0..n).map(|_| (0..width).map(|_| one()).collect()).collect()
}
