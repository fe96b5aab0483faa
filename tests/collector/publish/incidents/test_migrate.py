"""The schema of the operations database: made once, by one process at a time, and refused where it is unknown."""

from __future__ import annotations

import multiprocessing

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from collector.publish.incidents.migrate import MIGRATIONS, SchemaError, check_schema, migrate
from collector.published import OPERATIONS, connect

NEWEST = max(path.name[:4] for path in (MIGRATIONS / "versions").glob("[0-9]*.py"))


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path}/deep/down/operations.sqlite"


def execute(url, statement):
    engine = connect(url)
    with engine.begin() as connection:
        result = connection.execute(sa.text(statement))
        rows = result.all() if result.returns_rows else []
    engine.dispose()
    return rows


def test_it_creates_the_database_and_its_folder_and_then_leaves_it_alone(url):
    assert migrate(url) == f"{url}: created the schema ({NEWEST})"
    execute(url, "CREATE TABLE other (x)")
    assert migrate(url) == f"{url}: the schema is up to date ({NEWEST})"
    check_schema(url)


def test_an_older_schema_is_brought_up_to_date_and_its_rows_stay(url, tmp_path):
    (tmp_path / "deep" / "down").mkdir(parents=True)
    engine = connect(url)
    with engine.begin() as connection:
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
    engine.dispose()
    execute(
        url, "INSERT INTO incidents VALUES ('i-1', 'olt', 'device', 'Hill', 'outage', '2026-03-02', NULL, '0', 1, 1, 0)"
    )
    assert migrate(url) == f"{url}: upgraded 0001 to {NEWEST}"
    assert execute(url, "SELECT incident_id, root_device_id, kind FROM incidents") == [("i-1", "olt", "outage")]
    execute(url, "INSERT INTO acknowledgements VALUES ('a-1', 'i-1', 'ana', '2026-03-02', 'on our way')")
    with pytest.raises(sa.exc.IntegrityError):
        execute(url, "INSERT INTO acknowledgements VALUES ('a-2', 'no such', 'ana', '2026-03-02', '')")


def test_the_migrated_schema_is_the_declared_one(url):
    migrate(url)
    engine = connect(url)
    found = sa.MetaData()
    found.reflect(engine)
    assert set(found.tables) - {"alembic_version"} == set(OPERATIONS.tables)
    for name, declared in OPERATIONS.tables.items():
        table = found.tables[name]
        described = {(c.name, str(c.type), c.nullable, c.primary_key) for c in table.columns}
        assert described == {
            (c.name, c.type.dialect_impl(engine.dialect).compile(engine.dialect), c.nullable, c.primary_key)
            for c in declared.columns
        }
        assert {(index.name, index.unique) for index in table.indexes} == {
            (index.name, index.unique) for index in declared.indexes
        }
        assert len(table.foreign_keys) == len(declared.foreign_keys)
    engine.dispose()


def test_writers_wait_for_each_other_and_readers_for_none(url):
    migrate(url)
    assert execute(url, "PRAGMA journal_mode") == [("wal",)]
    assert execute(url, "PRAGMA busy_timeout") == [(10000,)]
    assert execute(url, "PRAGMA foreign_keys") == [(1,)]


def test_many_processes_may_migrate_at_once(url):
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        said = pool.map(migrate, [url] * 8)
    assert sorted(set(said)) == [f"{url}: created the schema ({NEWEST})", f"{url}: the schema is up to date ({NEWEST})"]
    assert said.count(f"{url}: created the schema ({NEWEST})") == 1


def test_a_newer_schema_is_refused(url):
    migrate(url)
    execute(url, "UPDATE alembic_version SET version_num = '9999'")
    for function in (migrate, check_schema):
        with pytest.raises(SchemaError) as caught:
            function(url)
        assert str(caught.value) == (
            f"{url}: has schema 9999, which this program does not know (it knows up to {NEWEST}); "
            "upgrade bairro before using this database"
        )
    assert execute(url, "SELECT version_num FROM alembic_version") == [("9999",)]


def test_a_database_that_is_not_there_is_not_made_by_looking(url, tmp_path):
    with pytest.raises(SchemaError, match="there is no database yet; run: bairro migrate"):
        check_schema(url)
    assert not (tmp_path / "deep").exists()


def test_a_database_with_no_schema_is_told_what_to_do(tmp_path):
    url = f"sqlite:///{tmp_path}/empty.sqlite"
    execute(url, "CREATE TABLE other (x)")
    with pytest.raises(SchemaError, match="has no schema yet; run: bairro migrate"):
        check_schema(url)


def test_a_file_that_is_no_database(tmp_path):
    path = tmp_path / "operations.sqlite"
    path.write_text("device_id,address\n" * 100)
    with pytest.raises(SchemaError, match=r"operations\.sqlite: file is not a database"):
        migrate(f"sqlite:///{path}")


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(SchemaError, match=r"Not a directory|File exists"):
        migrate(f"sqlite:///{tmp_path}/file/operations.sqlite")


@pytest.mark.parametrize("url", ["operations", "nosuchdatabase://host/x"])
def test_a_url_that_is_none(url):
    with pytest.raises(SchemaError, match="the database URL cannot be used"):
        migrate(url)
