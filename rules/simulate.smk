"""One beat of one heart, on as many ranks as its size asks for."""


rule simulate:
    input:
        heart=PREPARED,
        models=expand(MODEL, layer=LAYERS),
    output:
        ensure(HEART, non_empty=True),
    log:
        f"{LOGS}/simulate/{{patient}}.log",
    retries: RETRIES
    conda:
        "../envs/conda.yaml"
    threads: cores
    resources:
        # Two hearts at once on one machine would otherwise share its first cores, and ranks
        # that wait would keep those that work from running: 3.5 s for 0.7 s on a busy machine.
        # When it is ended it gives the ranks 5 s to write a checkpoint, not 1 s.
        mpi="mpirun --bind-to none --oversubscribe --mca mpi_yield_when_idle 1"
        " --mca odls_base_sigkill_timeout 5",
        tasks=tasks,
        cpus_per_task=1,
        mem_mb_per_cpu=memory_per_rank,
        runtime=simulate_minutes,
        # A resource, because nothing is computed again when it changes.
        checkpoint_minutes=10,
        attempt=attempt_number,
        attempts=ATTEMPTS,
    params:
        settings=SIMULATION,
        kernels=KERNELS,
        checkpoint=f"{WORK}/checkpoint.h5",
        attempts=f"{WORK}/simulate.attempts.json",
        solver_version=SOLVER_VERSION,
    shell:
        "if [ {resources.attempt} -le {resources.attempts} ]; then"
        " python -m polycardia attempt"
        " --attempts {params.attempts:q} --number {resources.attempt}"
        " && {{"
        f" {BEAT_STEP}"
        " {resources.mpi} -n {resources.tasks}"
        " python -m mpi4py -m polycardia simulate"
        " --heart {input.heart:q} --models {input.models:q} --kernels {params.kernels:q}"
        " --settings {params.settings:q} --output {output:q}"
        " --checkpoint {params.checkpoint:q}"
        " --checkpoint-minutes {resources.checkpoint_minutes}"
        " > {log:q} 2>&1 || {{"
        " python -m polycardia attempt --attempts {params.attempts:q} --died {log:q}; exit 1; }}; }}"
        " && rm {params.attempts:q};"
        " else python -m polycardia conclude"
        " --heart {input.heart:q} --settings {params.settings:q} --output {output:q}"
        " --attempts {params.attempts:q} --of {resources.attempts} >> {log:q} 2>&1; fi"
