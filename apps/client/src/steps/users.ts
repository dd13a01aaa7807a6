import type { Step } from '../tour.ts';

/** System 4: user documents. */
export const users: Step = {
  title: 'User documents',
  async play({ client, run }, say) {
    const sample = await client.users.get.query({ id: '1' });
    say.tell('a sample user', sample);
    const { users: inTelAviv } = await client.users.list.query({ city: 'Tel Aviv' });
    say.tell(
      'users in Tel Aviv',
      inTelAviv.map((user) => user.name),
    );

    const id = `tour-${run}`;
    const user = { name: 'Ada Tour', email: 'ada@example.com', age: 36, city: `City ${run}` };
    const created = await client.users.put.mutate({ id, user });
    say.tell('created one', created);
    const changed = await client.users.patch.mutate({ id, patch: { age: 37 }, revision: created.revision });
    say.expect('changed its age', changed.age, 37);
    const late = await client.users.patch
      .mutate({ id, patch: { age: 1 }, revision: created.revision })
      .catch((error) => error);
    say.expect('a late writer is told', late.data?.portolan?.code, 'CONFLICT');
    const unknown = await client.users.patch.mutate({ id, patch: { shoe: 43 } }).catch((error) => error);
    say.expect('an unknown field is refused', unknown.data?.portolan?.code, 'INVALID');
    const found = await client.users.list.query({ city: `City ${run}` });
    say.expect(
      'found by city',
      found.users.map((one) => one.id),
      [id],
    );
    await client.users.delete.mutate({ id });
    const gone = await client.users.get.query({ id }).catch((error) => error);
    say.expect('deleted', gone.data?.portolan?.code, 'NOT_FOUND');
  },
};
