//! The image: by digest, pulled when absent.

use bollard::{errors::Error, query_parameters::CreateImageOptionsBuilder};
use futures_util::StreamExt;
use tokio::time::timeout;

use super::{
    ImageRef, NodeFault, Verdict,
    session::{Session, engine_failed, is_full},
};

/// An image that the engine has.
pub(super) struct Image {
    pub(super) id: String,
    pub(super) declared_volumes: Vec<String>,
}

impl Session<'_> {
    /// The image's local id and the volumes that it declares.
    pub(super) async fn find_image(&self) -> Result<Image, Verdict> {
        let name = self.spec.image.to_string();
        let docker = &self.engine.docker;
        let mut found = docker.inspect_image(&name).await;
        if let (Err(error), ImageRef::Repository { repository, digest }) = (&found, &self.spec.image)
            && is_not_found(error)
        {
            timeout(self.spec.limits.pull, self.pull(repository, digest)).await.map_err(|_| {
                let limit_s = self.spec.limits.pull.as_secs();
                Verdict::node(NodeFault::ImageMissing, format!("pulling {name} took more than {limit_s} s"))
            })??;
            found = docker.inspect_image(&name).await;
        }
        let image = found.map_err(|error| {
            if is_not_found(&error) {
                Verdict::node(NodeFault::ImageMissing, format!("the engine has no image {name}"))
            } else {
                engine_failed("looking for the image", &error)
            }
        })?;
        let id = image
            .id
            .ok_or_else(|| Verdict::node(NodeFault::Engine, format!("the engine told no id for the image {name}")))?;
        let declared_volumes = image.config.and_then(|config| config.volumes).unwrap_or_default();
        Ok(Image { id, declared_volumes })
    }

    async fn pull(&self, repository: &str, digest: &str) -> Result<(), Verdict> {
        let options = CreateImageOptionsBuilder::default().from_image(repository).tag(digest).build();
        let mut pull = std::pin::pin!(self.engine.docker.create_image(Some(options), None, None));
        while let Some(step) = pull.next().await {
            step.map_err(|error| match error {
                error if is_full(&error) => engine_failed("pulling the image", &error),
                error => Verdict::node(
                    NodeFault::ImageMissing,
                    format!("{repository}@{digest} could not be pulled: {error}"),
                ),
            })?;
        }
        Ok(())
    }
}

fn is_not_found(error: &Error) -> bool {
    matches!(error, Error::DockerResponseServerError { status_code: 404, .. })
}
