/**
 * Lint rule: `name in data` asks the prototype too, so that a filter called `constructor` is found in every table. Names that come from
 * elsewhere are asked with `Object.hasOwn`; a name written out in the code ('ticket' in credentials) narrows a type and stays.
 */
const ownProperties = {
  create(context) {
    return {
      BinaryExpression(node) {
        if (node.operator !== 'in' || node.left.type === 'Literal' || node.left.type === 'PrivateIdentifier') return;
        context.report({ node, message: 'Ask Object.hasOwn(data, name): `in` finds names of the prototype too.' });
      },
    };
  },
};

export default { meta: { name: 'nocturne' }, rules: { 'own-properties': ownProperties } };
