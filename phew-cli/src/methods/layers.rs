//! Layers with a share of their own: options of walks and of methods that score.

use clap::Args;
use phew_graph::LayerShares;

/// Which layers keep a share of their own.
#[derive(Debug, Args)]
#[command(next_help_heading = "Which layers")]
pub(crate) struct LayerArgs {
    /// Layers that are kept whole, by name; * stands for any letters. The density stays that of the whole network
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    exclude: Vec<String>,

    /// Layers that keep this share of their weights, as in conv1=0.5 or layer?.*=0.1; the first that matches counts
    #[arg(long, value_name = "NAME=SHARE", value_delimiter = ',', value_parser = share)]
    layer_density: Vec<(String, f64)>,
}

impl LayerArgs {
    /// The layers with their shares.
    pub(super) fn shares(&self) -> LayerShares {
        let whole = self.exclude.iter().map(|pattern| (pattern, 1.0));
        let shares = self.layer_density.iter().map(|(pattern, share)| (pattern, *share));
        whole.chain(shares).fold(LayerShares::default(), |all, (pattern, share)| {
            all.share(pattern, share)
                .unwrap_or_else(|e| unreachable!("the parser has seen it: {e}"))
        })
    }

    /// Whether a layer is to keep a part of its weights.
    pub(super) fn has_parts(&self) -> bool {
        !self.layer_density.is_empty()
    }
}

/// Reads NAME=SHARE.
fn share(text: &str) -> Result<(String, f64), String> {
    let parts = text.rsplit_once('=').and_then(|(name, share)| Some((name, share.parse().ok()?)));
    let (name, share) = parts.ok_or("expected NAME=SHARE, as in conv1=0.5")?;
    LayerShares::default().share(name, share).map_err(|e| e.to_string())?;
    Ok((name.to_owned(), share))
}
