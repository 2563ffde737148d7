"""A source mesh into a heart that can be simulated, or the reason why it cannot."""


rule prepare:
    input:
        source_files,
    output:
        ensure(PREPARED, non_empty=True),
    log:
        f"{LOGS}/prepare/{{patient}}.log",
    retries: 2
    conda:
        "../envs/conda.yaml"
    resources:
        mem_mb=prepare_memory,
        runtime=minutes,
    params:
        source=source_json,
        settings=PREPARATION,
        solver_version=SOLVER_VERSION,
    shell:
        "python -m polycardia prepare"
        " --source {params.source:q} --settings {params.settings:q} --output {output:q}"
        " > {log:q} 2>&1"
