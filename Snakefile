"""Patient meshes in, one archive of activation maps and 12-lead ECGs out.

The experiment is in config.yaml, where and how large jobs run is in a profile (slurm/).
"""

from snakemake.utils import min_version

min_version("9.27")


configfile: "config.yaml"


include: "rules/common.smk"
include: "rules/model.smk"
include: "rules/prepare.smk"
include: "rules/simulate.smk"
include: "rules/archive.smk"
include: "rules/report.smk"


rule all:
    default_target: True
    input:
        # Hearts by name: Snakemake would not miss a deleted file between others.
        expand(HEART, patient=PATIENTS),
        ARCHIVE,
        REPORT,
