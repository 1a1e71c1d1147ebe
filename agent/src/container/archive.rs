//! Archives in and out. The engine speaks tar; what comes from a task is not trusted.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write},
    path::Path,
};

use sha2::{Digest, Sha256};
use tar::{Archive, Builder, EntryType, Header};

use super::{ImageFault, InputFile, Limits, ResultArchive, Verdict};

/// The user and group that tasks run as: nobody's.
pub(super) const TASK_USER: u64 = 65_534;

/// The archive that fills both volumes: `/input` with its files, owned by root and read-only, and an empty `/output`
/// that belongs to the task. With `prefix` the paths begin with the folders' names, else it is the content of `/input`.
pub(super) fn input_archive(inputs: &[InputFile], prefix: bool, target: impl Write) -> io::Result<()> {
    let root = if prefix { "input/" } else { "" };
    let mut builder = Builder::new(target);
    let mut folders = std::collections::BTreeSet::new();
    if prefix {
        folders.insert("input/".to_string());
    }
    for file in inputs {
        for (slash, _) in file.path.match_indices('/') {
            folders.insert(format!("{root}{}", &file.path[..=slash]));
        }
    }
    for folder in &folders {
        append(&mut builder, folder, EntryType::Directory, 0o555, 0, &[])?;
    }
    for file in inputs {
        append(&mut builder, &format!("{root}{}", file.path), EntryType::Regular, 0o444, 0, &file.bytes)?;
    }
    if prefix {
        append(&mut builder, "output/", EntryType::Directory, 0o700, TASK_USER, &[])?;
    }
    builder.into_inner()?.flush()
}

fn append(
    builder: &mut Builder<impl Write>,
    path: &str,
    kind: EntryType,
    mode: u32,
    owner: u64,
    bytes: &[u8],
) -> io::Result<()> {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_uid(owner);
    header.set_gid(owner);
    header.set_mtime(0);
    header.set_size(bytes.len() as u64);
    builder.append_data(&mut header, path, bytes)
}

/// Turns the engine's archive of `/output` into the archive that is hashed: the same files give the same bytes,
/// whatever engine, order, owner or time they came with. Links and special files are left out, never followed.
pub(super) fn result_archive(raw: &Path, target: &Path, limits: &Limits) -> Result<ResultArchive, Verdict> {
    let disk = |doing: &'static str| move |error: io::Error| Verdict::disk(doing, &error);
    let (files, left_out) = index(raw, limits)?;
    let mut raw = BufReader::new(File::open(raw).map_err(disk("opening the collected output"))?);
    let writer = File::create(target).map_err(disk("creating the result archive"))?;
    let mut builder = Builder::new(HashingWriter { inner: BufWriter::new(writer), hash: Sha256::new(), bytes: 0 });
    for (path, Place { offset, size }) in &files {
        let mut header = Header::new_ustar();
        header.set_path(path).map_err(|_| bad_output(path, "is too long: at most 100 bytes, or 255 with folders"))?;
        header.set_entry_type(EntryType::Regular);
        header.set_mode(0o644);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        header.set_size(*size);
        header.set_cksum();
        raw.seek(SeekFrom::Start(*offset)).map_err(disk("reading the collected output"))?;
        builder.append(&header, (&mut raw).take(*size)).map_err(disk("writing the result archive"))?;
    }
    let mut writer = builder.into_inner().map_err(disk("writing the result archive"))?;
    writer.flush().map_err(disk("writing the result archive"))?;
    Ok(ResultArchive {
        path: target.to_path_buf(),
        sha256: writer.hash.finalize().into(),
        bytes: writer.bytes,
        files: files.len() as u64,
        left_out,
    })
}

struct Place {
    offset: u64,
    size: u64,
}

/// Where each regular file's bytes lie in the raw archive, by clean path; and how many entries are left out.
fn index(raw: &Path, limits: &Limits) -> Result<(BTreeMap<String, Place>, u64), Verdict> {
    let broken = |error: io::Error| Verdict::disk("reading the collected output", &error);
    let mut archive = Archive::new(BufReader::new(File::open(raw).map_err(broken)?));
    let (mut files, mut left_out, mut total, mut entries) = (BTreeMap::new(), 0, 0_u64, 0_u64);
    let mut root = None;
    for entry in archive.entries().map_err(broken)? {
        let entry = entry.map_err(broken)?;
        let raw_path = entry.path_bytes();
        let root = root.get_or_insert_with(|| Root::of_first_entry(&raw_path));
        let Some(path) = clean_path(&raw_path, *root)? else {
            continue;
        };
        drop(raw_path);
        entries += 1;
        if entries > limits.output_files {
            let limit = limits.output_files;
            return Err(over_limit(format!("more than {limit} files and folders")));
        }
        match entry.header().entry_type() {
            EntryType::Regular | EntryType::Continuous => {
                let size = entry.size();
                total = total.saturating_add(size);
                if size > limits.output_file_bytes {
                    return Err(over_limit(format!("the file {path:?} of {size} bytes")));
                }
                if total > limits.output_bytes {
                    return Err(over_limit(format!("more than {} bytes", limits.output_bytes)));
                }
                let place = Place { offset: entry.raw_file_position(), size };
                if files.insert(path.clone(), place).is_some() {
                    return Err(bad_output(&path, "is there twice"));
                }
            }
            EntryType::Directory => (),
            _ => left_out += 1,
        }
    }
    Ok((files, left_out))
}

pub(super) fn over_limit(what: String) -> Verdict {
    Verdict::image(ImageFault::OutputLimit, format!("the output has {what}, which is over the job's limit"))
}

fn bad_output(path: &str, problem: &str) -> Verdict {
    Verdict::image(ImageFault::BadOutput, format!("the output path {path:?} {problem}"))
}

/// How an engine names what it was asked for, `/output`. The folder itself is the first entry.
#[derive(Clone, Copy)]
enum Root {
    /// Docker: `output/`, `output/file`.
    Named,
    /// Podman, where the folder is a volume: `/`, `/file`.
    Bare,
}

impl Root {
    fn of_first_entry(path: &[u8]) -> Self {
        if path.iter().all(|byte| b"./".contains(byte)) { Self::Bare } else { Self::Named }
    }
}

/// The path below the output folder; `None` for the folder itself.
fn clean_path(raw: &[u8], root: Root) -> Result<Option<String>, Verdict> {
    let shown = String::from_utf8_lossy(raw);
    let path = std::str::from_utf8(raw).map_err(|_| bad_output(&shown, "is not UTF-8"))?;
    if path.chars().any(|c| c.is_control() || c == '\\') {
        return Err(bad_output(path, "has a control character or a backslash"));
    }
    let mut parts = path.split('/').filter(|part| !part.is_empty() && *part != ".");
    let inside = match root {
        Root::Named => !path.starts_with('/') && parts.next() == Some("output"),
        Root::Bare => true,
    };
    let rest: Vec<&str> = parts.collect();
    if !inside || rest.contains(&"..") {
        return Err(bad_output(path, "leaves the output folder"));
    }
    Ok((!rest.is_empty()).then(|| rest.join("/")))
}

struct HashingWriter<W> {
    inner: W,
    hash: Sha256,
    bytes: u64,
}

impl<W: Write> Write for HashingWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.hash.update(&bytes[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Entry<'a> = (&'a str, EntryType, &'a [u8], u64);

    fn collect(entries: &[Entry], limits: &Limits) -> Result<(ResultArchive, Vec<u8>), Verdict> {
        let folder = tempfile::tempdir().unwrap();
        let mut builder = Builder::new(File::create(folder.path().join("raw")).unwrap());
        for (path, kind, bytes, time) in entries {
            let mut header = Header::new_gnu();
            header.as_gnu_mut().unwrap().name[..path.len()].copy_from_slice(path.as_bytes()); // set_path refuses bad ones
            header.set_entry_type(*kind);
            header.set_size(bytes.len() as u64);
            header.set_mode(0o600 + *time as u32);
            header.set_mtime(*time);
            header.set_uid(*time);
            header.set_cksum();
            builder.append(&header, *bytes).unwrap();
        }
        builder.into_inner().unwrap().flush().unwrap();
        let target = folder.path().join("result");
        let result = result_archive(&folder.path().join("raw"), &target, limits)?;
        Ok((result, std::fs::read(target).unwrap()))
    }

    #[test]
    fn the_same_files_give_the_same_bytes_in_any_order_and_at_any_time() {
        use EntryType::{Directory, Regular};
        let limits = Limits::default();
        let (one, bytes) = collect(
            &[("output/", Directory, b"", 1), ("output/b", Regular, b"B", 1), ("output/a/c", Regular, b"C", 2)],
            &limits,
        )
        .unwrap();
        let (other, _) = collect(
            &[("output/a", Directory, b"", 7), ("./output/./a/c", Regular, b"C", 9), ("output//b", Regular, b"B", 8)],
            &limits,
        )
        .unwrap();
        assert_eq!((one.sha256, one.files, one.bytes), (other.sha256, 2, bytes.len() as u64));
        assert_eq!(<[u8; 32]>::from(Sha256::digest(&bytes)), one.sha256);
        let mut archive = Archive::new(bytes.as_slice());
        let paths: Vec<_> =
            archive.entries().unwrap().map(|e| e.unwrap().path().unwrap().display().to_string()).collect();
        assert_eq!(paths, ["a/c", "b"]);
    }

    #[test]
    fn podmans_names_give_the_same_bytes_as_dockers() {
        use EntryType::{Directory, Regular};
        let limits = Limits::default();
        let docker = [("output/", Directory, b"".as_slice(), 1), ("output/a", Regular, b"A", 1)];
        let podman = [("/", Directory, b"".as_slice(), 1), ("/a", Regular, b"A", 1)];
        assert_eq!(collect(&docker, &limits).unwrap().1, collect(&podman, &limits).unwrap().1);
        let escaping = [("/", Directory, b"".as_slice(), 1), ("/../a", Regular, b"A", 1)];
        assert!(matches!(collect(&escaping, &limits), Err(Verdict::ImageFailed { .. })));
    }

    #[test]
    fn an_empty_output_has_a_hash_too() {
        let (result, bytes) = collect(&[("output/", EntryType::Directory, b"", 1)], &Limits::default()).unwrap();
        assert_eq!((result.files, bytes), (0, vec![0; 1024]));
    }

    #[test]
    fn links_and_devices_are_left_out() {
        let entries: Vec<Entry> =
            [EntryType::Symlink, EntryType::Link, EntryType::Char, EntryType::Block, EntryType::Fifo]
                .iter()
                .zip(["output/a", "output/b", "output/c", "output/d", "output/e"])
                .map(|(kind, path)| (path, *kind, b"".as_slice(), 1))
                .collect();
        let (result, _) = collect(&entries, &Limits::default()).unwrap();
        assert_eq!((result.files, result.left_out), (0, 5));
    }

    #[test]
    fn paths_that_leave_the_folder_are_the_images_fault() {
        for path in ["/output/x", "output/../x", "../x", "other/x", "output/a\\b", "output/a\nb", "output/.."] {
            let result = collect(&[(path, EntryType::Regular, b"x", 1)], &Limits::default());
            let refused = matches!(result, Err(Verdict::ImageFailed { fault: ImageFault::BadOutput, .. }));
            assert!(refused, "{path:?} was taken");
        }
    }

    #[test]
    fn each_output_limit_is_kept() {
        let two = [("output/a", EntryType::Regular, b"123".as_slice(), 1), ("output/b", EntryType::Regular, b"45", 1)];
        let exact = Limits { output_bytes: 5, output_file_bytes: 3, output_files: 2, ..Limits::default() };
        assert!(collect(&two, &exact).is_ok());
        for limits in [
            Limits { output_bytes: 4, ..exact.clone() },
            Limits { output_file_bytes: 2, ..exact.clone() },
            Limits { output_files: 1, ..exact },
        ] {
            let result = collect(&two, &limits);
            assert!(matches!(result, Err(Verdict::ImageFailed { fault: ImageFault::OutputLimit, .. })));
        }
    }

    #[test]
    fn input_is_read_only_and_output_belongs_to_the_task() {
        let inputs = [InputFile { path: "a/b/config.json".into(), bytes: b"{}".to_vec() }];
        let mut bytes = Vec::new();
        input_archive(&inputs, true, &mut bytes).unwrap();
        let mut archive = Archive::new(bytes.as_slice());
        let entries: Vec<_> = archive
            .entries()
            .unwrap()
            .map(|entry| {
                let entry = entry.unwrap();
                let header = entry.header();
                (entry.path().unwrap().display().to_string(), header.mode().unwrap(), header.uid().unwrap())
            })
            .collect();
        let expected = [
            ("input/", 0o555, 0),
            ("input/a/", 0o555, 0),
            ("input/a/b/", 0o555, 0),
            ("input/a/b/config.json", 0o444, 0),
            ("output/", 0o700, TASK_USER),
        ];
        assert_eq!(entries, expected.map(|(path, mode, owner)| (path.to_string(), mode, owner)));
    }
}
