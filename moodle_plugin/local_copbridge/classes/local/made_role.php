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
 * A role that the plugin makes for an account that calls a service: what the service's functions ask for, and nothing else.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
abstract class made_role {
    /** @var string its short name */
    public const SHORTNAME = '';

    /** @var string the external service that it is for */
    public const SERVICE = '';

    /** @var string the setting that keeps its id */
    protected const SETTING = '';

    /** @var string the key of its name; with "_description" that of its description */
    protected const STRING = '';

    /**
     * What Moodle itself asks for.
     *
     * @return string[] capabilities
     */
    abstract protected static function core(): array;

    /**
     * Which roles its holders may assign.
     *
     * @return string[] short names
     */
    protected static function assigns(): array {
        return [];
    }

    /**
     * Makes the role, unless there is one of that short name already: that one stays as it is.
     *
     * @return int|null its id; null: it was not made
     */
    public static function create(): ?int {
        global $DB;
        if ($DB->record_exists('role', ['shortname' => static::SHORTNAME])) {
            return null;
        }
        $id = create_role(
            get_string(static::STRING, 'local_copbridge'),
            static::SHORTNAME,
            get_string(static::STRING . '_description', 'local_copbridge')
        );
        set_role_contextlevels($id, [CONTEXT_SYSTEM]);
        set_config(static::SETTING, $id, 'local_copbridge');
        static::grant(static::capabilities());
        foreach ($DB->get_records_list('role', 'shortname', static::assigns()) as $role) {
            core_role_set_assign_allowed($id, $role->id);
        }
        return $id;
    }

    /**
     * Gives our role what it has no word on yet; what somebody has forbidden stays so. For installation and upgrade steps.
     *
     * @param string[] $capabilities
     */
    public static function grant(array $capabilities): void {
        $id = static::ours();
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
        $id = static::ours();
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
            array_diff($given, static::core()),
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
        $id = (int) get_config('local_copbridge', static::SETTING);
        $found = $id && $DB->record_exists('role', ['id' => $id, 'shortname' => static::SHORTNAME]);
        return $found ? $id : null;
    }

    /**
     * What the role holds: the capabilities of all functions of its service, so that a new function can't be forgotten.
     *
     * @return string[]
     */
    public static function capabilities(): array {
        $functions = $services = [];
        require(\core_component::get_plugin_directory('local', 'copbridge') . '/db/services.php');
        $own = array_column($services, 'functions', 'shortname')[static::SERVICE];
        $asked = array_column(array_intersect_key($functions, array_flip($own)), 'capabilities');
        return [...static::core(), ...$asked];
    }
}
