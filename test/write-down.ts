import pg from 'pg'
import { onTestFinished } from 'vitest'

/**
 * Until the test ends, the first catalog that is changed gets this description instead. That stands for another process
 * that writes at the worst moment: while the mentions are scrubbed.
 */
export async function writeDownOnce(owner: pg.Client, description: string): Promise<void> {
  onTestFinished(async () => {
    await owner.query('drop function if exists write_down cascade; drop table if exists once')
  })
  await owner.query(`
    create table once (done boolean);
    create function write_down() returns trigger language plpgsql security definer as $$
    begin
      if not exists (select from once) then
        insert into once values (true);
        new.description := ${pg.escapeLiteral(description)};
      end if;
      return new;
    end $$;
    create trigger write_down before update on catalogs for each row execute function write_down()`)
}
