//! Tables of files and labels: two columns of text.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use super::image_files::Labelled;
use crate::error::{Result, TrainError};

/// A file and its label on each line, parted by a comma, a semicolon or a tab, in quotes or not. A first line that names
/// no file is a heading; further columns are left alone.
pub(in crate::data) struct LabelTable {
    path: PathBuf,
    /// Line, file as it is named, label.
    rows: Vec<(usize, String, String)>,
}

impl LabelTable {
    /// Reads the table.
    pub(in crate::data) fn read(path: &Path) -> Result<Self> {
        let text = phew_graph::read_text(path).map_err(TrainError::io(path))?;
        let mut rows = Vec::new();
        for (number, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
            if line.trim().is_empty() {
                continue;
            }
            let parting = [',', ';', '\t'].into_iter().find(|&c| line.contains(c)).unwrap_or(',');
            let mut columns = line.split(parting).map(|word| word.trim().trim_matches('"'));
            let (Some(file), Some(label)) = (columns.next(), columns.next()) else {
                let problem = format!("line {}: expected a file and a label", number + 1);
                return Err(TrainError::corrupt(path, problem));
            };
            rows.push((number + 1, file.to_owned(), label.to_owned()));
        }
        let folder = path.parent().unwrap_or(Path::new("."));
        let is_heading = |(_, file, _): &(usize, String, String)| {
            Path::new(file).extension().is_none() && !folder.join(file).is_file()
        };
        if rows.first().is_some_and(is_heading) {
            rows.remove(0);
        }
        if rows.is_empty() {
            return Err(TrainError::corrupt(path, "names no file"));
        }
        Ok(Self { path: path.to_owned(), rows })
    }

    /// The labels in their order: as numbers if all are, by name if not.
    pub(in crate::data) fn classes(&self) -> Vec<String> {
        let mut names: Vec<String> = self.rows.iter().map(|row| row.2.clone()).collect();
        names.sort_unstable();
        names.dedup();
        let numbers: Option<Vec<u64>> = names.iter().map(|name| name.parse().ok()).collect();
        if let Some(numbers) = numbers {
            let mut pairs: Vec<(u64, String)> = numbers.into_iter().zip(names).collect();
            pairs.sort_unstable();
            return pairs.into_iter().map(|(_, name)| name).collect();
        }
        names
    }

    /// The files, each with the number of its class.
    pub(in crate::data) fn files(&self, classes: &[String]) -> Result<Labelled> {
        let numbers: BTreeMap<&str, u16> = classes.iter().map(String::as_str).zip(0..).collect();
        let folder = self.path.parent().unwrap_or(Path::new("."));
        let labelled = |(line, file, label): &(usize, String, String)| {
            let wrong = |problem: String| {
                TrainError::corrupt(&self.path, format!("line {line}: {problem}"))
            };
            let inside = inside(folder, file)
                .ok_or_else(|| wrong(format!("'{file}' leads out of the table's folder")))?;
            let number = numbers.get(&**label);
            let number = number
                .ok_or_else(|| wrong(format!("class '{label}' is not in the table to train on")))?;
            if !inside.exists() {
                return Err(TrainError::missing(
                    &inside,
                    format!("line {line} of a table names it"),
                ));
            }
            Ok((inside, *number))
        };
        self.rows.iter().map(labelled).collect()
    }
}

/// A file that is named from a folder, if the name stays within.
pub(in crate::data) fn inside(folder: &Path, name: &str) -> Option<PathBuf> {
    let stays = |part: Component<'_>| matches!(part, Component::Normal(_) | Component::CurDir);
    let name = Path::new(name);
    name.components().all(stays).then(|| folder.join(name))
}
