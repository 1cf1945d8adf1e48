"""What a job keeps on disk: its checkpoints, its networks to sample from, and the files that go beside its record."""

from dataclasses import asdict

from bench.records import record as records
from bench.records.record import Artifact
from bench.runs import provenance
from bench.runs.evaluation import Nets, Which
from bench.runs.experiment import Experiment, Job
from bench.runs.gallery import image_files
from bench.runs.gallery.exhibit import ArtifactFile
from bench.runs.gallery.image_files import KeptFile
from bench.runs.state import RunState, weights_of
from bench.training import checkpoint
from bench.training.environment import peak_memory_bytes
from bench.training.loop import Training


class Keeping:
    """The job's folder in the cache, and what of it is published with the record."""

    def __init__(self, experiment: Experiment, job: Job):
        self.experiment, self.job = experiment, job
        self.identity = experiment.identity(job)
        self.cache = experiment.files.cache(job)
        self.checkpoint = self.cache / "training.pt"

    def save(self, training: Training, state: RunState) -> None:
        """Write the checkpoint of a run between two steps. Raises NotWritten."""
        peak = peak_memory_bytes(self.experiment.execution.device) or 0
        state.peak_memory_bytes = max(state.peak_memory_bytes, peak)
        content = {"training": training.state_dict(), "journal": state.saved()}
        checkpoint.save(self.checkpoint, self.identity, content)

    def restore(self, training: Training, state: RunState) -> RunState:
        """The run as it was saved, or the given state of one that begins, with the member's source kept.

        Raises UserError for a checkpoint that is damaged or of another member, source, protocol or seed.
        """
        if not self.checkpoint.exists():
            if not self.job.source.can_be_fetched:
                source = ArtifactFile(provenance.KIND, ".zip", self.job.source.archive(), provenance.NOTE)
                self.file(state, source, images=0)
            return state
        content = checkpoint.load(self.checkpoint, self.identity)
        with checkpoint.fitting(self.checkpoint):
            training.load_state_dict(content["training"])
            return RunState.restored(content["journal"])

    def networks(self, nets: Nets, which: Which) -> None:
        """Keep the networks to sample from, for `bench sample`."""
        content = {"spec": asdict(self.experiment.spec), "nets": weights_of(nets)}
        checkpoint.save(self.cache / f"{which}.pt", self.identity, content)

    def file(self, state: RunState, made: ArtifactFile, images: int) -> None:
        """Keep a file, or why there is none, until the record is written."""
        if made.status != "kept":
            state.pictures.append(KeptFile(made.kind, "", "", images, status=made.status, reason=made.reason))
            return
        path = self.cache / f"{made.kind}-{images}{made.suffix}"
        sha256 = image_files.write(path, made.content)
        state.pictures.append(KeptFile(made.kind, path.name, sha256, images, made.note))

    def published(self, state: RunState, attempt: int) -> tuple[Artifact, ...]:
        """Copy the kept files to where the record goes."""
        stem = records.file_stem(self.job.seed, self.job.digest, attempt)
        return image_files.publish(state.pictures, self.cache, self.experiment.files.folder(self.job), stem)
