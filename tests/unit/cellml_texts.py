"""A small cell in CellML 1.1 and 2.0, for tests to spoil."""

LEAK = """\
<?xml version="1.0"?>
<model xmlns="http://www.cellml.org/cellml/1.1#" xmlns:cellml="http://www.cellml.org/cellml/1.1#"
    xmlns:cmeta="http://www.cellml.org/metadata/1.0#" name="leak">
  <units name="mV"><unit units="volt" prefix="milli"/></units>
  <units name="per_s"><unit units="second" exponent="-1"/></units>
  <units name="mV_per_s"><unit units="mV"/><unit units="second" exponent="-1"/></units>
  <component name="clock"><variable name="time" units="second" public_interface="out"/></component>
  <component name="membrane">
    <variable name="time" units="second" public_interface="in"/>
    <variable name="V" units="mV" initial_value="-80" cmeta:id="the_voltage"/>
    <variable name="E" units="mV" initial_value="-75"/>
    <variable name="g" units="per_s" initial_value="100"/>
    <variable name="x" units="dimensionless" initial_value="0.2"/>
    <variable name="tau" units="second" initial_value="0.005"/>
    <variable name="i_Stim" units="mV_per_s"/>
    <math xmlns="http://www.w3.org/1998/Math/MathML">
      <apply><eq/>
        <apply><diff/><bvar><ci>time</ci></bvar><ci>V</ci></apply>
        <apply><minus/><ci>i_Stim</ci>
          <apply><times/><ci>g</ci><ci>x</ci>
            <apply><minus/><ci>V</ci><ci>E</ci></apply></apply></apply></apply>
      <apply><eq/>
        <apply><diff/><bvar><ci>time</ci></bvar><ci>x</ci></apply>
        <apply><divide/>
          <apply><minus/><cn cellml:units="dimensionless">1</cn><ci>x</ci></apply>
          <ci>tau</ci></apply></apply>
      <apply><eq/><ci>i_Stim</ci>
        <piecewise>
          <piece><cn cellml:units="mV_per_s">50</cn>
            <apply><lt/><ci>time</ci><cn cellml:units="second">0.001</cn></apply></piece>
          <otherwise><cn cellml:units="mV_per_s">0</cn></otherwise>
        </piecewise></apply>
    </math>
  </component>
  <connection>
    <map_components component_1="clock" component_2="membrane"/>
    <map_variables variable_1="time" variable_2="time"/>
  </connection>
</model>
"""

LEAK_2 = (
    LEAK.replace("cellml/1.1#", "cellml/2.0#")
    .replace(' xmlns:cmeta="http://www.cellml.org/metadata/1.0#"', "")
    .replace('\n    xmlns:cmeta="http://www.cellml.org/metadata/1.0#"', "")
    .replace(' cmeta:id="the_voltage"', "")
    .replace("public_interface", "interface")
    .replace('"out"', '"public"')
    .replace('"in"', '"public"')
    .replace(
        '<connection>\n    <map_components component_1="clock" component_2="membrane"/>',
        '<connection component_1="clock" component_2="membrane">',
    )
)

ANNOTATION = """\
  <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
      xmlns:bqbiol="http://biomodels.net/biology-qualifiers/">
    <rdf:Description rdf:about="#the_voltage">
      <bqbiol:is
        rdf:resource="https://chaste.comlab.ox.ac.uk/cellml/ns/oxford-metadata#membrane_voltage"/>
    </rdf:Description>
  </rdf:RDF>
</model>
"""
