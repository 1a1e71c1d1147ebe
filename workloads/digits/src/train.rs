//! One training run: progress on the way, a report at the end.

use std::fmt::Write as _;

use crate::{
    config::Config,
    data::Split,
    math::Random,
    model::{HIDDEN, Score, Weights},
};

/// What a run leaves behind.
pub struct Trained {
    pub weights: Weights,
    /// Mean loss of the last pass over the training images.
    pub train_loss: f64,
    /// On the held-out fifth.
    pub held_out: Score,
}

/// ln 10: the cross-entropy of giving each digit the same probability.
const LOSS_OF_GUESSING: f64 = std::f64::consts::LN_10;

fn advice(config: &Config) -> String {
    format!("a learning_rate below {} may help", config.learning_rate)
}

/// Trains by `config`; `line` gets one JSON object per finished percent.
pub fn train(config: &Config, data: &Split, mut line: impl FnMut(String)) -> Result<Trained, String> {
    let mut random = Random::new(config.seed);
    let mut weights = Weights::random(&mut random);
    let mut order: Vec<usize> = (0..data.train.len()).collect();
    let (mut percent_shown, mut train_loss) = (None, 0.0);
    for epoch in 1..=config.epochs {
        random.shuffle(&mut order);
        train_loss = weights.train_epoch(&data.train, &order, config.batch, config.learning_rate);
        if !train_loss.is_finite() {
            return Err(format!("the training diverged in epoch {epoch}; {}", advice(config)));
        }
        let percent = u64::from(epoch) * 100 / u64::from(config.epochs);
        if percent_shown != Some(percent) {
            percent_shown = Some(percent);
            let accuracy = weights.score(&data.held_out).accuracy;
            line(format!(
                r#"{{"progress": {percent}, "epoch": {epoch}, "loss": {train_loss:.6}, "accuracy": {accuracy:.6}}}"#
            ));
        }
    }
    if train_loss >= LOSS_OF_GUESSING {
        return Err(format!(
            "after {} epochs the loss is {train_loss:.3}, no better than guessing; {}",
            config.epochs,
            advice(config)
        ));
    }
    let held_out = weights.score(&data.held_out);
    Ok(Trained { weights, train_loss, held_out })
}

/// `result.json`: fields in a fixed order with a fixed number of digits, because its bytes are hashed.
pub fn report(config: &Config, data: &Split, trained: &Trained) -> String {
    let mut rows = String::new();
    for (digit, row) in trained.held_out.confusion.iter().enumerate() {
        let counts = row.map(|count| count.to_string()).join(", ");
        let comma = if digit + 1 < trained.held_out.confusion.len() { "," } else { "" };
        let _ = writeln!(rows, "    [{counts}]{comma}"); // writing to a String cannot fail
    }
    format!(
        "{{\n  \"accuracy\": {:.6},\n  \"loss\": {:.6},\n  \"train_loss\": {:.6},\n  \"epochs\": {},\n  \"seed\": {},\n  \
         \"batch\": {},\n  \"learning_rate\": {:.6},\n  \"hidden\": {HIDDEN},\n  \"train_images\": {},\n  \
         \"held_out_images\": {},\n  \"weights_sha256\": \"{}\",\n  \"confusion\": [\n{rows}  ]\n}}\n",
        trained.held_out.accuracy,
        trained.held_out.loss,
        trained.train_loss,
        config.epochs,
        config.seed,
        config.batch,
        config.learning_rate,
        data.train.len(),
        data.held_out.len(),
        trained.weights.sha256(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::load;

    fn run(seed: u64, epochs: u32) -> (String, Trained, Vec<String>) {
        let (config, data) = (Config { seed, epochs, ..Config::default() }, load().unwrap());
        let mut lines = Vec::new();
        let trained = train(&config, &data, |line| lines.push(line)).unwrap();
        (report(&config, &data, &trained), trained, lines)
    }

    #[test]
    fn the_same_seed_gives_the_same_bytes_and_another_seed_others() {
        let (first, ..) = run(3, 2);
        assert_eq!(first, run(3, 2).0);
        assert_ne!(run(3, 2).1.weights.sha256(), run(4, 2).1.weights.sha256());
    }

    #[test]
    fn the_weights_of_a_short_run_are_pinned_for_every_machine() {
        assert_eq!(run(1, 3).1.weights.sha256(), include_str!("../data/pinned.sha256").trim());
    }

    #[test]
    fn the_held_out_fifth_is_recognised() {
        let (report, trained, lines) = run(1, 20);
        assert!(trained.held_out.accuracy > 0.93, "accuracy is {}", trained.held_out.accuracy);
        let value: serde_json::Value = serde_json::from_str(&report).unwrap();
        let images: u64 = value["confusion"]
            .as_array()
            .unwrap()
            .iter()
            .flat_map(|row| row.as_array().unwrap())
            .map(|n| n.as_u64().unwrap())
            .sum();
        assert_eq!(images, 359);
        let last: serde_json::Value = serde_json::from_str(lines.last().unwrap()).unwrap();
        assert_eq!((last["progress"].as_u64(), last["epoch"].as_u64()), (Some(100), Some(20)));
        assert_eq!(last["accuracy"], value["accuracy"]);
    }

    #[test]
    fn a_training_that_learns_nothing_is_an_error() {
        let config = Config { learning_rate: 10.0, batch: 1, epochs: 3, ..Config::default() };
        let error = train(&config, &load().unwrap(), |_| ()).err().unwrap();
        assert!(error.contains("a learning_rate below 10 may help"), "{error}");
    }
}
