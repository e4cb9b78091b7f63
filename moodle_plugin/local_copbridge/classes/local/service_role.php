<?php
// This file is part of Moodle - http://moodle.org/
//
// Moodle is free software: you can redistribute it and/or modify
// it under the terms of the GNU General Public License as published by
// the Free Software Foundation, either version 3 of the License, or
// (at your option) any later version.
//
// Moodle is distributed in the hope that it will be useful,
// but WITHOUT ANY WARRANTY; without even the implied warranty of
// MERCHANTABILITY or FITNESS FOR A PARTICULAR PURPOSE.  See the
// GNU General Public License for more details.
//
// You should have received a copy of the GNU General Public License
// along with Moodle.  If not, see <http://www.gnu.org/licenses/>.

namespace local_copbridge\local;

/**
 * The role of the service's account: what the service's functions ask for, and nothing else.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
final class service_role {
    /** @var string its short name */
    public const SHORTNAME = 'copbridge';

    /**
     * @var string[] what Moodle itself asks of an account that calls functions, and calls them for courses in which it isn't
     *     enrolled, hidden ones among them
     */
    private const CORE = ['webservice/rest:use', 'moodle/course:view', 'moodle/course:viewhiddencourses'];

    /**
     * Makes the role, unless there is one of that short name already: that one stays as it is.
     *
     * @return int|null its id; null: it was not made
     */
    public static function create(): ?int {
        global $DB;
        if ($DB->record_exists('role', ['shortname' => self::SHORTNAME])) {
            return null;
        }
        $id = create_role(
            get_string('admin_role', 'local_copbridge'),
            self::SHORTNAME,
            get_string('admin_role_description', 'local_copbridge')
        );
        set_role_contextlevels($id, [CONTEXT_SYSTEM]);
        set_config('roleid', $id, 'local_copbridge');
        self::grant(self::capabilities());
        return $id;
    }

    /**
     * Gives our role what it has no word on yet; what somebody has forbidden stays so. For installation and upgrade steps.
     *
     * @param string[] $capabilities
     */
    public static function grant(array $capabilities): void {
        $id = self::ours();
        if ($id === null) {
            return;
        }
        // Moodle makes a plugin's capabilities only after its own steps of installation and upgrade.
        update_capabilities('local_copbridge');
        $context = \context_system::instance();
        foreach ($capabilities as $capability) {
            assign_capability($capability, CAP_ALLOW, $id, $context->id);
        }
        accesslib_clear_role_cache($id);
    }

    /**
     * Removes the role if it is ours and nobody has given it more since: then it may serve something else, too.
     *
     * @return bool whether it was removed
     */
    public static function remove(): bool {
        global $DB;
        $id = self::ours();
        if ($id === null) {
            return false;
        }
        $given = $DB->get_fieldset_select(
            'role_capabilities',
            'capability',
            'roleid = :id AND permission <> :inherit',
            ['id' => $id, 'inherit' => CAP_INHERIT]
        );
        $more = array_filter(
            array_diff($given, self::CORE),
            static fn(string $name): bool => !str_starts_with($name, 'local/copbridge:')
        );
        return !$more && delete_role($id);
    }

    /**
     * The role that was made here, as long as it is there under its short name.
     *
     * @return int|null its id
     */
    public static function ours(): ?int {
        global $DB;
        $id = (int) settings::get('roleid');
        $found = $id && $DB->record_exists('role', ['id' => $id, 'shortname' => self::SHORTNAME]);
        return $found ? $id : null;
    }

    /**
     * What the role holds: the capabilities of all functions, so that a new function can't be forgotten.
     *
     * @return string[]
     */
    public static function capabilities(): array {
        $functions = [];
        require(\core_component::get_plugin_directory('local', 'copbridge') . '/db/services.php');
        $asked = array_map(static fn(array $function): array => explode(',', $function['capabilities']), $functions);
        return [...self::CORE, ...array_unique(array_map('trim', array_merge(...array_values($asked))))];
    }
}
