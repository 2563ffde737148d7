"""From the study's word on a cell model to its compiled kernel; nothing here needs MPI."""

from pathlib import Path

from polycardia.config import CellModel, Pacing, Study
from polycardia.ionic.kernel import Kernel, build
from polycardia.ionic.model import CellModel as Equations
from polycardia.ionic.model import load_model, with_constants
from polycardia.ionic.roles import Naming
from polycardia.ionic.scaling import with_factors, with_scaling


def compiled(settings: CellModel, kernels: Path) -> Kernel:
    """Return the kernel of a cell model, compiled for this machine's processor.

    Args:
        settings: the model and what differs from its text.
        kernels: folder of compiled kernels; one that is there already is only loaded.

    Raises:
        BadModel: the text cannot be turned into a kernel.
        CompilerFailed: there is no compiler, or it refuses the kernel.
    """
    return build(equations(settings), cache=kernels)


def tissue_kernel(settings: Pacing, kernels: Path) -> tuple[Kernel, dict[str, str]]:
    """Return the kernel of a layer's tissue, and its parameters' names by those of the constants.

    It takes a factor at every node for each constant that varies; without such constants it is
    the single cell's own kernel.

    Raises:
        BadModel: the text cannot be turned into a kernel, or does not have such a constant.
        CompilerFailed: there is no compiler, or it refuses the kernel.
    """
    model, factors = with_factors(equations(settings.model), settings.varying)
    kernel = build(model, cache=kernels, node_parameters=factors)
    return kernel, dict(zip(settings.varying, factors, strict=True))


def require_models(study: Study) -> None:
    """Refuse a study whose cell models are none, or lack a constant that it changes.

    Raises:
        BadModel: as of `equations`, for the first such layer.
    """
    for layer in study.cells.by_layer():
        pacing = study.pacing_of(layer)
        with_factors(equations(pacing.model), pacing.varying)


def equations(settings: CellModel) -> Equations:
    """Return a cell model with all that the study says of it.

    Raises:
        BadModel: the text is wrong, or a constant is not one of its own.
    """
    naming = Naming(
        units=settings.units,
        voltage=settings.voltage,
        time=settings.time,
        stimulus=settings.stimulus,
    )
    model = with_constants(load_model(settings.name, naming), settings.parameters)
    return with_scaling(model, settings.scaling)
