"""Hearts into shards, shards into the archive: a changed heart rewrites its shard only."""


rule shard:
    input:
        hearts_of_shard,
    output:
        ensure(SHARD, non_empty=True),
    log:
        f"{LOGS}/shard/{{shard}}.log",
    conda:
        "../envs/conda.yaml"
    resources:
        mem_mb=gathering_memory,
        runtime=minutes,
    params:
        cohort=STUDY.cohort,
        folder=os.path.dirname(HEART),
        shards=str(STUDY.archive.shards),
        clinical=clinical_digest,
        solver_version=SOLVER_VERSION,
    shell:
        f"{SMALL_STEP} python -m polycardia shard"
        " --cohort {params.cohort:q} --hearts {params.folder:q}"
        " --shard {wildcards.shard} --of {params.shards} --output {output:q}"
        " > {log:q} 2>&1"


rule archive:
    input:
        shards=expand(SHARD, shard=sorted(SHARDS)),
    output:
        ensure(ARCHIVE, non_empty=True),
    log:
        f"{LOGS}/archive.log",
    conda:
        "../envs/conda.yaml"
    resources:
        mem_mb=gathering_memory,
        runtime=minutes,
    params:
        most_failed=str(STUDY.archive.max_failed_fraction),
        solver_version=SOLVER_VERSION,
    shell:
        f"{SMALL_STEP} python -m polycardia archive"
        " --shards {input.shards:q} --most-failed {params.most_failed} --output {output:q}"
        " > {log:q} 2>&1"
