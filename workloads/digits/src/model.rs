//! A perceptron with one hidden layer, trained by plain mini-batch gradient descent in a fixed order.

use sha2::{Digest, Sha256};

use crate::{
    data::{CLASSES, Image, PIXELS},
    math::{Random, exp_of_nonpositive, ln_of_positive},
};

/// Units of the hidden layer.
pub const HIDDEN: usize = 256;
const MAGIC: &[u8; 8] = b"MSTRDIG1";
/// A probability below this counts as this in the loss, which stays finite.
const PROBABILITY_MIN: f64 = 1e-12;

/// Weights, or a gradient of the same shape. Rows are inputs, so that the inner loops run over neighbours.
#[derive(Clone)]
pub struct Weights {
    hidden: Vec<[f32; HIDDEN]>,
    hidden_bias: [f32; HIDDEN],
    output: Vec<[f32; CLASSES]>,
    output_bias: [f32; CLASSES],
}

/// How well weights do on a set of images.
pub struct Score {
    /// Share of images classified right, 0 to 1.
    pub accuracy: f64,
    /// Mean cross-entropy in nats.
    pub loss: f64,
    /// `confusion[shown][answered]` counts images.
    pub confusion: [[u32; CLASSES]; CLASSES],
}

struct Activations {
    hidden: [f32; HIDDEN],
    probabilities: [f64; CLASSES],
}

impl Weights {
    fn zero() -> Self {
        Self {
            hidden: vec![[0.0; HIDDEN]; PIXELS],
            hidden_bias: [0.0; HIDDEN],
            output: vec![[0.0; CLASSES]; HIDDEN],
            output_bias: [0.0; CLASSES],
        }
    }

    /// Uniform weights in +-1/8, biases 0.
    pub fn random(random: &mut Random) -> Self {
        let mut weights = Self::zero();
        weights.hidden.iter_mut().flatten().for_each(|w| *w = random.signed_unit() / 8.0);
        weights.output.iter_mut().flatten().for_each(|w| *w = random.signed_unit() / 8.0);
        weights
    }

    /// One pass over `images` in the given order; returns the mean loss seen on the way.
    pub fn train_epoch(&mut self, images: &[Image], order: &[usize], batch: usize, learning_rate: f64) -> f64 {
        let mut loss = 0.0;
        for chunk in order.chunks(batch) {
            let mut gradient = Self::zero();
            for &index in chunk {
                loss += self.add_gradient(&images[index], &mut gradient);
            }
            self.step(&gradient, (learning_rate / chunk.len() as f64) as f32);
        }
        loss / order.len() as f64
    }

    /// Accuracy, loss and confusion matrix on `images`.
    pub fn score(&self, images: &[Image]) -> Score {
        let mut confusion = [[0; CLASSES]; CLASSES];
        let (mut right, mut loss) = (0_u32, 0.0);
        for image in images {
            let probabilities = self.forward(image).probabilities;
            let answer = (1..CLASSES).fold(
                0,
                |best, digit| {
                    if probabilities[digit] > probabilities[best] { digit } else { best }
                },
            );
            confusion[image.digit][answer] += 1;
            right += u32::from(answer == image.digit);
            loss += cross_entropy(&probabilities, image.digit);
        }
        let count = images.len() as f64;
        Score { accuracy: f64::from(right) / count, loss: loss / count, confusion }
    }

    /// `MSTRDIG1`, three u32 (inputs, hidden units, classes), then hidden weights, hidden biases, output weights and
    /// output biases as f32; all little-endian.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        for size in [PIXELS, HIDDEN, CLASSES] {
            bytes.extend((size as u32).to_le_bytes());
        }
        let numbers = self.hidden.iter().flatten().chain(&self.hidden_bias);
        let numbers = numbers.chain(self.output.iter().flatten()).chain(&self.output_bias);
        bytes.extend(numbers.flat_map(|number| number.to_le_bytes()));
        bytes
    }

    /// SHA-256 of [`Self::to_bytes`] in hex.
    pub fn sha256(&self) -> String {
        hex::encode(Sha256::digest(self.to_bytes()))
    }

    fn forward(&self, image: &Image) -> Activations {
        let mut hidden = self.hidden_bias;
        for (&pixel, row) in image.pixels.iter().zip(&self.hidden) {
            if pixel != 0.0 {
                hidden.iter_mut().zip(row).for_each(|(sum, weight)| *sum += pixel * weight);
            }
        }
        hidden.iter_mut().for_each(|sum| *sum = if *sum > 0.0 { *sum } else { 0.0 });
        let mut logits = self.output_bias;
        for (unit, row) in hidden.iter().zip(&self.output) {
            logits.iter_mut().zip(row).for_each(|(sum, weight)| *sum += unit * weight);
        }
        Activations { hidden, probabilities: softmax(&logits) }
    }

    fn add_gradient(&self, image: &Image, gradient: &mut Self) -> f64 {
        let Activations { hidden, probabilities } = self.forward(image);
        let mut error = probabilities.map(|probability| probability as f32);
        error[image.digit] -= 1.0;
        let mut hidden_error = [0.0_f32; HIDDEN];
        for unit in 0..HIDDEN {
            if hidden[unit] > 0.0 {
                for (class, delta) in error.iter().enumerate() {
                    hidden_error[unit] += self.output[unit][class] * delta;
                    gradient.output[unit][class] += hidden[unit] * delta;
                }
            }
        }
        add_scaled(&mut gradient.output_bias, &error, 1.0);
        add_scaled(&mut gradient.hidden_bias, &hidden_error, 1.0);
        for (&pixel, row) in image.pixels.iter().zip(&mut gradient.hidden) {
            if pixel != 0.0 {
                add_scaled(row, &hidden_error, pixel);
            }
        }
        cross_entropy(&probabilities, image.digit)
    }

    fn step(&mut self, gradient: &Self, rate: f32) {
        for (row, slope) in self.hidden.iter_mut().zip(&gradient.hidden) {
            add_scaled(row, slope, -rate);
        }
        for (row, slope) in self.output.iter_mut().zip(&gradient.output) {
            add_scaled(row, slope, -rate);
        }
        add_scaled(&mut self.hidden_bias, &gradient.hidden_bias, -rate);
        add_scaled(&mut self.output_bias, &gradient.output_bias, -rate);
    }
}

fn add_scaled<const N: usize>(sum: &mut [f32; N], addend: &[f32; N], scale: f32) {
    sum.iter_mut().zip(addend).for_each(|(sum, addend)| *sum += scale * addend);
}

fn softmax(logits: &[f32; CLASSES]) -> [f64; CLASSES] {
    let largest = logits.iter().fold(f32::NEG_INFINITY, |a, &b| if b > a { b } else { a });
    let mut shares = logits.map(|logit| exp_of_nonpositive(f64::from(logit - largest)));
    let total: f64 = shares.iter().sum();
    shares.iter_mut().for_each(|share| *share /= total);
    shares
}

fn cross_entropy(probabilities: &[f64; CLASSES], digit: usize) -> f64 {
    let probability = probabilities[digit];
    if probability.is_nan() {
        return f64::NAN; // so that a diverged training is seen
    }
    -ln_of_positive(if probability < PROBABILITY_MIN { PROBABILITY_MIN } else { probability })
}
