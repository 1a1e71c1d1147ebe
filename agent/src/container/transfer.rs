//! Input in, output out: through the engine's archive endpoints, so that the engine may be on another machine.

use std::{io, path::Path, time::Duration};

use bollard::{
    body_try_stream,
    query_parameters::{
        DownloadFromContainerOptionsBuilder, RemoveContainerOptionsBuilder, UploadToContainerOptionsBuilder,
    },
};
use futures_util::{StreamExt, stream};
use tokio::{
    fs,
    io::{AsyncReadExt, AsyncWriteExt},
    time::timeout,
};

use super::{
    NodeFault, ResultArchive, Verdict, archive,
    image::Image,
    session::{Session, engine_failed},
    walls,
};

/// Copying input and output: the limits on their size bound the work, this bounds a stuck engine.
const COPY_WITHIN: Duration = Duration::from_secs(900);
const CHUNK_BYTES: usize = 64 * 1024;
/// Room for the engine's headers, extended ones included, per file of the raw archive.
const HEADER_BYTES: u64 = 8 * 1024;

impl Session<'_> {
    /// A container that never starts has both volumes writable: a read-only mount refuses uploads, and only an upload
    /// to the root can set the owner of `/output`. Podman reaches a volume only by its own path; there the mount's
    /// option gives `/output` to the task.
    pub(super) async fn fill_volumes(&self, image: &Image) -> Result<(), Verdict> {
        let docker = &self.engine.docker;
        let stage = walls::stage(self.engine, &self.spec.limits, image, &self.ids, self.labels());
        self.create(&self.ids.stage, stage, "making the container that fills the volumes").await?;
        let path = if self.engine.podman { "/input" } else { "/" };
        let (target, prefix) = (self.folder.join("input.tar"), !self.engine.podman);
        self.write_input(&target, prefix)?;
        let file = fs::File::open(&target).await.map_err(|error| Verdict::disk("opening the input", &error))?;
        let chunks = stream::try_unfold(file, |mut file| async move {
            let mut chunk = vec![0; CHUNK_BYTES];
            let read = file.read(&mut chunk).await?;
            chunk.truncate(read);
            Ok::<_, io::Error>((read > 0).then(|| (chunk.into(), file)))
        });
        let options = UploadToContainerOptionsBuilder::default().path(path).build();
        let upload = docker.upload_to_container(&self.ids.stage, Some(options), body_try_stream(chunks));
        timeout(COPY_WITHIN, upload)
            .await
            .map_err(|_| Verdict::node(NodeFault::Engine, "the engine did not take the input in time"))?
            .map_err(|error| engine_failed("uploading the input", &error))?;
        let _ = fs::remove_file(&target).await; // the run's folder goes as a whole later
        docker
            .remove_container(&self.ids.stage, Some(RemoveContainerOptionsBuilder::default().v(true).build()))
            .await
            .map_err(|error| engine_failed("removing the container that filled the volumes", &error))
    }

    fn write_input(&self, target: &Path, prefix: bool) -> Result<(), Verdict> {
        std::fs::File::create(target)
            .and_then(|file| archive::input_archive(&self.spec.inputs, prefix, io::BufWriter::new(file)))
            .map_err(|error| Verdict::disk("writing the input archive", &error))
    }

    pub(super) async fn collect(&self) -> Result<ResultArchive, Verdict> {
        let raw = self.folder.join("raw.tar");
        timeout(COPY_WITHIN, self.download(&raw))
            .await
            .map_err(|_| Verdict::node(NodeFault::Engine, "the engine did not hand out the output in time"))??;
        let (target, limits) = (self.folder.join("result.tar"), self.spec.limits.clone());
        let archive = tokio::task::spawn_blocking(move || {
            let result = archive::result_archive(&raw, &target, &limits);
            let _ = std::fs::remove_file(&raw); // the next cleanup tries again
            result
        });
        archive
            .await
            .map_err(|error| Verdict::node(NodeFault::Engine, format!("collecting the output failed: {error}")))?
    }

    async fn download(&self, raw: &Path) -> Result<(), Verdict> {
        let limits = &self.spec.limits;
        let bytes_max = limits.output_bytes.saturating_add(HEADER_BYTES * limits.output_files.saturating_add(2));
        let disk = |error: io::Error| Verdict::disk("writing the collected output", &error);
        let mut file = fs::File::create(raw).await.map_err(disk)?;
        let options = DownloadFromContainerOptionsBuilder::default().path("/output").build();
        let mut chunks = std::pin::pin!(self.engine.docker.download_from_container(&self.ids.container, Some(options)));
        let mut bytes = 0;
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk.map_err(|error| engine_failed("downloading the output", &error))?;
            bytes += chunk.len() as u64;
            if bytes > bytes_max {
                let (bytes, files) = (limits.output_bytes, limits.output_files);
                return Err(archive::over_limit(format!("more than {bytes} bytes or {files} files")));
            }
            file.write_all(&chunk).await.map_err(disk)?;
        }
        file.flush().await.map_err(disk)
    }
}
