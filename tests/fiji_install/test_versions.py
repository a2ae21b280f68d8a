from tdseg.fiji_install.versions import version_problem


def test_the_older_of_the_two_is_to_be_updated():
    assert version_problem("0.2.0", "0.2.0") is None
    assert "pip install -U tdseg" in version_problem("0.10.0", "0.9.3")
    assert "tdseg install-fiji" in version_problem("0.9.3", "0.10.0")
    assert "tdseg install-fiji" in version_problem("0.1.0", "0.1.0.post1")
