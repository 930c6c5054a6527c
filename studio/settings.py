"""Settings of the studio, from the environment (VTON_STUDIO_...) or the command line."""

from functools import lru_cache
from pathlib import Path

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

ROOT = Path(__file__).resolve().parents[1]  # the repository


class Settings(BaseSettings):
    """Where the studio keeps its things and how it runs."""

    model_config = SettingsConfigDict(env_prefix="VTON_STUDIO_", frozen=True, extra="ignore")

    workspace: Path = ROOT / "data"  # database, runs, jobs, caches
    database_url: str | None = None  # None: studio.db in the workspace
    device: str = "auto"  # auto, cuda, mps or cpu
    port: int = Field(default=8501, ge=1, le=65535)

    @field_validator("workspace")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.expanduser().absolute()  # a process of ours may run elsewhere

    @field_validator("database_url")
    @classmethod
    def _absolute_url(cls, value: str | None) -> str | None:
        file = (value or "").removeprefix("sqlite:///")
        return value if file in ("", value) else f"sqlite:///{Path(file).expanduser().absolute()}"

    @property
    def url(self) -> str:
        """The database's URL."""
        return self.database_url or f"sqlite:///{self.workspace / 'studio.db'}"

    @property
    def runs_dir(self) -> Path:
        """Run folders that the studio makes."""
        return self.workspace / "runs"

    @property
    def jobs_dir(self) -> Path:
        """One folder a job: its log and its progress."""
        return self.workspace / "jobs"

    @property
    def cache_dir(self) -> Path:
        """What can be made again, thumbnails above all."""
        return self.workspace / "cache"

    @property
    def demo_set(self) -> Path:
        """The small drawn dataset that the first start makes."""
        return self.workspace / "demo-set"

    def environment(self) -> dict[str, str]:
        """The variables that give a process of ours these same settings."""
        named = {
            "VTON_STUDIO_WORKSPACE": str(self.workspace),
            "VTON_STUDIO_DEVICE": self.device,
            "VTON_STUDIO_PORT": str(self.port),
        }
        return named | ({"VTON_STUDIO_DATABASE_URL": self.database_url} if self.database_url else {})


@lru_cache
def get_settings() -> Settings:
    """The settings of this process, read once."""
    return Settings()
