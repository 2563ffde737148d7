"""A cell model's text into a compiled kernel and the state that tissue starts from."""


rule model:
    input:
        cell_model_text,
    output:
        ensure(MODEL, non_empty=True),
    log:
        f"{LOGS}/model/{{layer}}.log",
    # First of all, so that a fault in a model shows before hearts are prepared.
    priority: 10
    conda:
        "../envs/conda.yaml"
    resources:
        mem_mb=small_memory,
        runtime=minutes,
    params:
        model=cell_model,
        kernels=KERNELS,
        solver_version=SOLVER_VERSION,
    shell:
        f"{SMALL_STEP} python -m polycardia model"
        " --settings {params.model:q} --kernels {params.kernels:q} --output {output:q}"
        " > {log:q} 2>&1"
