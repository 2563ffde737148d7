"""One beat of one heart, on as many ranks as its size asks for."""


rule simulate:
    input:
        heart=PREPARED,
        models=expand(MODEL, layer=LAYERS),
    output:
        ensure(HEART, non_empty=True),
    log:
        f"{LOGS}/simulate/{{patient}}.log",
    retries: 2
    conda:
        "../envs/conda.yaml"
    threads: cores
    resources:
        # Two hearts at once on one machine would otherwise share its first cores, and ranks
        # that wait would keep those that work from running: 3.5 s for 0.7 s on a busy machine.
        mpi="mpirun --bind-to none --oversubscribe --mca mpi_yield_when_idle 1",
        tasks=tasks,
        cpus_per_task=1,
        mem_mb_per_cpu=memory_per_rank,
        runtime=simulate_minutes,
    params:
        settings=SIMULATION,
        kernels=KERNELS,
        solver_version=SOLVER_VERSION,
    shell:
        "{resources.mpi} -n {resources.tasks}"
        " python -m mpi4py -m polycardia simulate"
        " --heart {input.heart:q} --models {input.models:q} --kernels {params.kernels:q}"
        " --settings {params.settings:q} --output {output:q}"
        " > {log:q} 2>&1"
