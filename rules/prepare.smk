"""A source mesh into a heart that can be simulated, or the reason why it cannot."""


rule prepare:
    input:
        source_files,
    output:
        ensure(PREPARED, non_empty=True),
    log:
        f"{LOGS}/prepare/{{patient}}.log",
    retries: RETRIES
    conda:
        "../envs/conda.yaml"
    resources:
        mem_mb=prepare_memory,
        runtime=minutes,
        attempt=attempt_number,
        attempts=ATTEMPTS,
    params:
        source=source_json,
        settings=PREPARATION,
        attempts=f"{WORK}/prepare.attempts.json",
        solver_version=SOLVER_VERSION,
    shell:
        "if [ {resources.attempt} -le {resources.attempts} ]; then"
        " python -m polycardia attempt"
        " --attempts {params.attempts:q} --number {resources.attempt}"
        " && {{"
        f" {SMALL_STEP} python -m polycardia prepare"
        " --source {params.source:q} --settings {params.settings:q} --output {output:q}"
        " > {log:q} 2>&1 || {{"
        " python -m polycardia attempt --attempts {params.attempts:q} --died {log:q}; exit 1; }}; }}"
        " && rm {params.attempts:q};"
        " else python -m polycardia conclude"
        " --source {params.source:q} --settings {params.settings:q} --output {output:q}"
        " --attempts {params.attempts:q} --of {resources.attempts} >> {log:q} 2>&1; fi"
