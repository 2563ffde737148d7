"""The archive as a page for people."""


rule report:
    input:
        ARCHIVE,
    output:
        page=ensure(REPORT, non_empty=True),
        run=ensure(RUN_PAGE, non_empty=True),
    log:
        f"{LOGS}/report.log",
    conda:
        "../envs/conda.yaml"
    resources:
        mem_mb=gathering_memory,
        runtime=minutes,
    params:
        settings=shown_settings,
    shell:
        f"{SMALL_STEP} python -m polycardia report"
        " --archive {input:q} --settings {params.settings:q} --output {output.page:q}"
        " > {log:q} 2>&1"
